"""posttls-finger's words for what a server shows, DANE and MTA-STS beside them, over real TLS."""

from __future__ import annotations

import asyncio
import hashlib
import ssl

import pytest
import trustme

from smtpadmin.model.dns import TlsaRecord
from smtpadmin.model.errors import SmtpadminError, UntrustedError
from smtpadmin.model.smtp import SendResult
from smtpadmin.model.smtp_plan import SendPlan, Target, TlsPlan, TlsUse, Verify
from smtpadmin.transport.smtp_run import Surroundings, run_plan
from smtpadmin.transport.tls_verdict import PolicyWords
from tests.support.smtp_script import MAIL, server_context
from tests.transport.test_smtp_route import talk

LEAF = trustme.CA().issue_cert("127.0.0.1")
DER = ssl.PEM_cert_to_DER_cert(LEAF.cert_chain_pems[0].bytes().decode())
FITS = TlsaRecord(3, 0, 1, hashlib.sha256(DER).digest())
OTHER = TlsaRecord(3, 0, 1, b"\0" * 32)


async def judged(tls: TlsPlan, policy: PolicyWords) -> tuple[SendResult, SmtpadminError | None]:
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=server_context(LEAF))
    async with server:
        port = server.sockets[0].getsockname()[1]
        plan = SendPlan(Target("127.0.0.1", port), tls=tls)
        return await run_plan(plan, MAIL, total_s=5, around=Surroundings(policy=policy))


DANE = TlsPlan(TlsUse.IMPLICIT, dane=True)


async def test_dane_that_fits_is_enough() -> None:
    result, error = await judged(DANE, PolicyWords(tlsa=(OTHER, FITS)))
    assert error is None
    assert result.tls is not None
    assert (result.tls.dane, result.tls.level) == ("matches TLSA 3 0 1", "Verified")
    assert "DANE: matches TLSA 3 0 1" in [line.line for line in result.transcript]


async def test_dane_that_does_not_fit_stops_the_session() -> None:
    result, error = await judged(DANE, PolicyWords(tlsa=(OTHER,)))
    assert isinstance(error, UntrustedError)
    assert "none of 1 TLSA records fits" in error.what
    assert not [line for line in result.transcript if line.direction == ">"]


async def test_without_usable_records_the_chain_counts() -> None:
    _, error = await judged(DANE, PolicyWords(dane="no TLSA records"))
    assert isinstance(error, UntrustedError)
    relaxed = TlsPlan(TlsUse.IMPLICIT, verify=Verify.NONE, dane=True)
    result, error = await judged(relaxed, PolicyWords(dane="no TLSA records"))
    assert error is None
    assert result.tls is not None
    assert (result.tls.dane, result.tls.level) == ("no TLSA records", "Untrusted")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (
            PolicyWords(mta_sts="policy enforce", sts_enforced=True),
            "policy enforce: a sender with MTA-STS would not deliver",
        ),
        (PolicyWords(mta_sts="x has no MTA-STS"), "x has no MTA-STS"),
    ],
)
async def test_mta_sts_is_told(policy: PolicyWords, words: str) -> None:
    result, error = await judged(TlsPlan(TlsUse.IMPLICIT, verify=Verify.NONE, mta_sts=True), policy)
    assert error is None
    assert result.tls is not None
    assert result.tls.mta_sts == words
