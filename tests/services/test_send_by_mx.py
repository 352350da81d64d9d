"""MX hosts in order, as a mail server tries them, every attempt in the transcript."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smtpadmin.model.dns import DnsAnswer, DnsStatus, MailHosts, MailRoute, MxHost
from smtpadmin.model.errors import ServerRefusedError, SmtpadminError, UnreachableError
from smtpadmin.model.smtp import Reply, SendResult, Stage, TranscriptLine
from smtpadmin.model.smtp_plan import SendPlan, Target
from smtpadmin.services.send_by_mx import send_by_mx
from smtpadmin.transport.dns import Resolver

HOSTS = (MxHost(10, "mx1.example"), MxHost(20, "mx2.example"), MxHost(20, "mx3.example"))
PLAN = SendPlan(Target(mx_of="d.example"))


class Told(Resolver):
    def __init__(
        self, route: MailRoute = MailRoute.LISTED, hosts: tuple[MxHost, ...] = HOSTS
    ) -> None:
        super().__init__()
        self._found = MailHosts(
            "d.example", route, hosts, DnsAnswer("d.example", "MX", DnsStatus.NOERROR)
        )

    async def mx(self, domain: str) -> MailHosts:
        assert domain == "d.example"
        return self._found


def runner(outcomes: dict[str, tuple[str, Stage, int]], tried: list[tuple[str, int]]):  # type: ignore[no-untyped-def]
    async def run_one(
        plan: SendPlan, tell: Callable[[TranscriptLine], None]
    ) -> tuple[SendResult, SmtpadminError | None]:
        host = plan.target.host
        tried.append((host, plan.target.port))
        tell(TranscriptLine(0.0, "*", f"talking to {host}"))
        result, stage, code = outcomes[host]
        reply = Reply(code, "text") if code else None
        error = None if result == "accepted" else ServerRefusedError(f"no from {host}")
        return SendResult(result, stage, "<1>", host, reply), error

    return run_one


@pytest.mark.parametrize(
    ("first", "goes_on"),
    [
        (("accepted", Stage.DOT, 250), False),
        (("failed", Stage.CONNECT, 0), True),
        (("refused", Stage.BANNER, 554), True),
        (("refused", Stage.RCPT, 450), True),
        (("refused", Stage.RCPT, 550), False),
        (("refused", Stage.DOT, 554), False),
        (("failed", Stage.DOT, 0), True),
    ],
)
async def test_when_the_next_host_is_tried(first: tuple[str, Stage, int], goes_on: bool) -> None:
    tried: list[tuple[str, int]] = []
    outcomes = {"mx1.example": first, "mx2.example": ("accepted", Stage.DOT, 250)}
    result, error = await send_by_mx(PLAN, "<1>", Told(), runner(outcomes, tried))
    assert tried == [("mx1.example", 25)] + [("mx2.example", 25)] * goes_on
    lines = [line.line for line in result.transcript]
    assert lines[:3] == [
        "MX of d.example: 10 mx1.example, 20 mx2.example, 20 mx3.example",
        "attempt 1 of 3: mx1.example", "talking to mx1.example",
    ]  # fmt: skip
    assert ("attempt 2 of 3: mx2.example" in lines) is goes_on
    assert [line.t_ms for line in result.transcript] == sorted(
        line.t_ms for line in result.transcript
    )
    assert (error is None) is (goes_on or first[0] == "accepted")


async def test_the_last_outcome_counts() -> None:
    outcomes = {host.host: ("failed", Stage.CONNECT, 0) for host in HOSTS}
    tried: list[tuple[str, int]] = []
    result, error = await send_by_mx(PLAN, "<1>", Told(), runner(outcomes, tried))
    assert [host for host, _ in tried] == ["mx1.example", "mx2.example", "mx3.example"]
    assert (result.host, str(error)) == ("mx3.example", "no from mx3.example")


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (MailRoute.NULL, "null MX"),
        (MailRoute.NOWHERE, "neither MX"),
        (MailRoute.NO_DOMAIN, "does not exist"),
    ],
)
async def test_domains_without_a_host(route: MailRoute, words: str) -> None:
    result, error = await send_by_mx(PLAN, "<1>", Told(route, ()), runner({}, []))
    assert isinstance(error, UnreachableError)
    assert words in error.what
    assert (result.result, result.stage, result.transcript[-1].line) == (
        "failed",
        Stage.RESOLVE,
        error.what,
    )
