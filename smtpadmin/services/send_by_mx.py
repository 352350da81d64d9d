"""Sends to the MX hosts of a domain as a mail server would: in order, the next one when one cannot be
reached or puts us off, until the message is accepted or refused for good. RFC 5321 section 5.1."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from smtpadmin.model.dns import MailRoute, MxHost
from smtpadmin.model.errors import SmtpadminError, UnreachableError
from smtpadmin.model.smtp import SendResult, Stage, TranscriptLine
from smtpadmin.model.smtp_plan import SendPlan
from smtpadmin.transport.dns import Resolver

MOST_HOSTS = 10
Outcome = tuple[SendResult, SmtpadminError | None]
RunOne = Callable[[SendPlan, Callable[[TranscriptLine], None]], Awaitable[Outcome]]
"""Runs one plan and tells its transcript lines."""
_NOWHERE = {
    MailRoute.NULL: "the domain takes no mail: it has a null MX (RFC 7505)",
    MailRoute.NOWHERE: "the domain has neither MX hosts nor an address",
    MailRoute.NO_DOMAIN: "the domain does not exist",
}


@dataclass
class _Log:
    """The lines of all attempts, on one clock."""

    emit: Callable[[TranscriptLine], None]
    started: float
    lines: list[TranscriptLine]

    def add(self, line: TranscriptLine) -> None:
        self.lines.append(line)
        self.emit(line)

    def note(self, words: str) -> None:
        self.add(TranscriptLine(self.now(), "*", words))

    def now(self) -> float:
        return round((time.monotonic() - self.started) * 1000, 1)


async def send_by_mx(
    plan: SendPlan,
    message_id: str,
    resolver: Resolver,
    run_one: RunOne,
    emit: Callable[[TranscriptLine], None] = lambda line: None,
) -> Outcome:
    """The outcome of the last attempt, with the transcript of all of them."""
    log = _Log(emit, time.monotonic(), [])
    domain = plan.target.mx_of
    try:
        hosts = await _hosts(domain, resolver)
    except SmtpadminError as failure:
        log.note(failure.what)
        failed = SendResult("failed", Stage.RESOLVE, message_id, domain, error=str(failure))
        return replace(failed, transcript=tuple(log.lines)), failure
    log.note(f"MX of {domain}: " + ", ".join(f"{mx.preference} {mx.host}" for mx in hosts))
    for number, mx in enumerate(hosts, 1):
        log.note(f"attempt {number} of {len(hosts)}: {mx.host}")
        result, error = await _attempt(plan, mx, log, run_one)
        if _is_final(result) or number == len(hosts):
            break
    return replace(result, transcript=tuple(log.lines)), error


async def _hosts(domain: str, resolver: Resolver) -> tuple[MxHost, ...]:
    found = await resolver.mx(domain)
    if not found.hosts:
        raise UnreachableError(
            _NOWHERE.get(found.route, "the domain has no mail host"),
            where=domain,
            remedy="Check the spelling of the domain and its MX records.",
        )
    return found.hosts[:MOST_HOSTS]


async def _attempt(plan: SendPlan, mx: MxHost, log: _Log, run_one: RunOne) -> Outcome:
    offset = log.now()
    target = replace(plan.target, host=mx.host, port=plan.target.port or 25, mx_of="")
    return await run_one(
        replace(plan, target=target),
        lambda line: log.add(replace(line, t_ms=round(line.t_ms + offset, 1))),
    )


def _is_final(result: SendResult) -> bool:
    """Accepted, or refused for good once the envelope was named. Whoever refuses to talk at all
    leaves the next host to be asked."""
    named = result.stage in (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT)
    permanent = result.reply is not None and result.reply.code >= 500
    return result.result == "accepted" or (result.result == "refused" and named and permanent)
