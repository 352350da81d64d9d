"""DANE and MTA-STS in words; what could not be found out is never read as "none"."""

from __future__ import annotations

from typing import Any

import pytest

from smtpadmin.model.dns import DnsAnswer, DnsError, DnsStatus, TlsaRecord
from smtpadmin.model.errors import UnreachableError
from smtpadmin.model.smtp_plan import SendPlan, Target, TlsPlan
from smtpadmin.services.tls_policy import policy_for
from smtpadmin.transport.dns import Resolver

RECORD = TlsaRecord(3, 1, 1, b"x" * 32)
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.d.example\nmax_age: 86400\n"


class Told(Resolver):
    def __init__(self, tlsa: Any = (), txt: Any = (), *, authenticated: bool = True) -> None:
        super().__init__()
        self._answers = {"TLSA": tlsa, "TXT": txt}
        self._authenticated = authenticated

    def _answer(self, rtype: str) -> DnsAnswer[Any]:
        found = self._answers[rtype]
        if isinstance(found, Exception):
            raise found
        return DnsAnswer("x", rtype, DnsStatus.NOERROR, found, authenticated=self._authenticated)

    async def tlsa(self, host: str, port: int = 25) -> DnsAnswer[TlsaRecord]:
        assert (host, port) == ("mx.d.example", 25)
        return self._answer("TLSA")

    async def txt(self, name: str) -> DnsAnswer[bytes]:
        assert name == "_mta-sts.d.example"
        return self._answer("TXT")


FAILURE = DnsError(DnsStatus.SERVFAIL, "SERVFAIL")


def plan(**tls: bool) -> SendPlan:
    return SendPlan(Target("mx.d.example", 25), tls=TlsPlan(**tls))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "records", "words"),
    [
        (Told((RECORD,)), (RECORD,), "cannot be used"),
        (Told(()), (), "no TLSA records"),
        (Told((RECORD,), authenticated=False), (), "DNSSEC does not prove them"),
        (Told(FAILURE), (), "unknown (SERVFAIL)"),
    ],
)
async def test_dane(told: Told, records: tuple[TlsaRecord, ...], words: str) -> None:
    found = await policy_for(plan(dane=True), "d.example", told)
    assert found.tlsa == records
    assert words in found.dane


@pytest.mark.parametrize(
    ("txt", "policy", "words", "enforced"),
    [
        ((b"v=STSv1; id=1",), POLICY, "policy enforce", True),
        (
            (b"v=STSv1; id=1",),
            POLICY.replace(b"mx.d", b"other"),
            "is not among its MX hosts",
            False,
        ),
        ((b"v=STSv1; id=1",), POLICY.replace(b"enforce", b"none"), "policy none", False),
        ((b"v=STSv1; id=1",), b"<html>", "without a policy", False),
        ((b"v=STSv1; id=1",), UnreachableError("closed"), "without a policy (closed)", False),
        ((), POLICY, "d.example has no MTA-STS", False),
        ((b"v=STSv1; id=1", b"v=STSv1; id=2"), POLICY, "has no MTA-STS", False),
        (FAILURE, POLICY, "unknown", False),
    ],
)
async def test_mta_sts(txt: Any, policy: Any, words: str, enforced: bool) -> None:
    async def fetch(domain: str) -> bytes:
        assert domain == "d.example"
        if isinstance(policy, Exception):
            raise policy
        assert isinstance(policy, bytes)
        return policy

    found = await policy_for(plan(mta_sts=True), "d.example", Told(txt=txt), fetch)
    assert words in found.mta_sts
    assert found.sts_enforced is enforced


async def test_nothing_is_asked_unasked() -> None:
    found = await policy_for(plan(), "d.example", Told(FAILURE, FAILURE))
    assert (found.dane, found.mta_sts) == ("", "")
