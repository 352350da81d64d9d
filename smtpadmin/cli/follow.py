"""What ``send --follow`` does after the message was accepted: each step on stderr, one report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click

from smtpadmin.cli.output import note, plain
from smtpadmin.model.errors import SmtpadminError, UsageError
from smtpadmin.model.follow import ArrivalReport, FollowReport, FollowStep, StepKind
from smtpadmin.model.mailbox import MAILBOX_PORTS, MailboxAccount, MailboxProtocol
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SendResult
from smtpadmin.model.status import DeliveryStatus

if TYPE_CHECKING:
    from smtpadmin.transport.dns import Resolver

PASSWORD = "SMTPADMIN_MAILBOX_PASSWORD"
_SCHEMES = {
    "imaps": (MailboxProtocol.IMAP, TlsMode.IMPLICIT), "imap": (MailboxProtocol.IMAP, TlsMode.STARTTLS),
    "pop3s": (MailboxProtocol.POP3, TlsMode.IMPLICIT), "pop3": (MailboxProtocol.POP3, TlsMode.STARTTLS),
}  # fmt: skip
_BAD_NEWS = frozenset(DeliveryStatus) - {
    DeliveryStatus.DELIVERED, DeliveryStatus.SENT, DeliveryStatus.QUEUED, DeliveryStatus.UNKNOWN,
}  # fmt: skip


def mailbox_account(url: str, ca_file: str | None = None) -> MailboxAccount:
    """The account of ``--mailbox``. Raises UsageError; a password in the URL is refused, for it would
    be seen by every user of this machine."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"this is no URL ({error})", where="--mailbox") from error
    if parts.scheme not in _SCHEMES or not parts.hostname or not parts.username:
        raise UsageError(
            "this is no mailbox",
            where="--mailbox",
            remedy="Use imaps://USER@HOST or pop3s://USER@HOST.",
        )
    if parts.password is not None:
        raise UsageError(
            "a password has no place in a URL", where="--mailbox", remedy=f"Use {PASSWORD}."
        )
    protocol, tls = _SCHEMES[parts.scheme]
    password = os.environ.get(PASSWORD) or str(
        click.prompt("Password of the mailbox", hide_input=True, err=True)
    )
    return MailboxAccount(
        protocol, parts.hostname, port or MAILBOX_PORTS[protocol, tls], tls, unquote(parts.username),
        password, ca_file or "",
    )  # fmt: skip


async def follow_sent(
    result: SendResult, raw: bytes, options: Mapping[str, Any], mailbox: MailboxAccount | None
) -> FollowReport:
    """Nothing that goes wrong here takes away what is known of the sending."""
    from smtpadmin.cli.sources import connected
    from smtpadmin.services.probe_and_follow import MessageFollower

    nothing = FollowReport(result.message_id, DeliveryStatus.UNKNOWN, ended=False)
    if result.result != "accepted":
        return nothing
    resolver: Resolver | None = None
    if mailbox is not None:
        from smtpadmin.transport.dns import Resolver

        resolver = Resolver()
    try:
        async with connected((), True) as (_, opened):
            follower = MessageFollower(
                {name: connector for name, (_, connector) in opened.items()},
                origin=options["server"], mailbox=mailbox, resolver=resolver, emit=say_step,
            )  # fmt: skip
            return await follower.follow(result, raw=raw, seconds=options["follow_for"])
    except SmtpadminError as error:
        note(f"it cannot be followed: {error}")
        return nothing


def say_step(step: FollowStep) -> None:
    """One step as it happens, on stderr."""
    clock = f"{step.time.astimezone():%H:%M:%S}"
    where = f"{step.server} {step.queue_id}" if step.queue_id else step.server
    if step.kind is StepKind.STATE:
        relay = f" by {step.relay}" if step.relay else ""
        words = f"{step.recipient} {step.status}{relay}: {step.words}"
        words += _what_comes_next(step)
    elif step.kind is StepKind.NOT_ASKED:
        words = f"could not be asked: {step.words}"
    else:
        words = f"{step.kind} {step.words}".strip()
    note(f"{clock} {where}: {words}")
    if step.explanation is not None:
        note(f"{clock}   {step.explanation.summary}. {step.explanation.remedy}")


def _what_comes_next(step: FollowStep) -> str:
    if step.next_try is not None:
        return f" (next try {step.next_try.astimezone():%H:%M:%S})"
    if step.status is DeliveryStatus.DEFERRED:
        return " (the server does not say when it tries again)"
    return " (until it is released)" if step.status is DeliveryStatus.HELD else ""


def say_report(report: FollowReport, seconds: float) -> None:
    """The end, for people."""
    if report.arrival is not None:
        _say_arrival(report.arrival)
    if not report.messages and report.arrival is None:
        note("no server with a profile has seen it yet")
    elif report.ended:
        note(f"the end: {report.status}")
    else:
        note(f"{report.status}, not ended within {seconds:g} s; track it again later")


def _say_arrival(found: ArrivalReport) -> None:
    junk = ", a folder for junk," if found.is_junk else ""
    after = f" after {found.after_s:g} s" if found.after_s is not None else ""
    note(f"it lies in {found.folder}{junk}{after}")
    for hop in found.hops:
        delay = "" if hop.delay is None else f" {hop.delay:+.0f} s"
        note(
            f"  {hop.sender or hop.address or '(local)'} → {hop.by or '?'}{delay}{' TLS' if hop.tls else ''}"
        )
    checks = found.authentication
    if checks is not None:
        dkim = ", ".join(one.result for one in checks.dkim) or "none"
        spf = checks.spf.result if checks.spf else "not checked"
        note(f"  SPF {spf}, DKIM {dkim}, ARC {checks.arc.result}, DMARC {checks.dmarc.result}")
    if found.changes is not None:
        for change in found.changes.rewritten:
            note(f"  {change.name} was rewritten: {change.before!r} became {change.after!r}")
        note(f"  the body is {found.changes.body}; {len(found.changes.added)} fields were added")


def exit_code(report: FollowReport) -> int:
    """Bad news is what did not get through: lost, put off, held, or not in the mailbox. What is still
    on its way, or was seen by nobody, is none."""
    missing = any(step.kind is StepKind.NOT_ARRIVED for step in report.steps)
    return 1 if missing or report.status in _BAD_NEWS else 0


def as_record(report: FollowReport) -> dict[str, Any]:
    """What the object of ``send`` has beside the sending: ``trace``, and the way as ``follow``."""
    return {
        "trace": plain(report.messages),
        "follow": {
            "status": report.status.value,
            "ended": report.ended,
            "steps": plain(report.steps),
            "failures": {name: str(error) for name, error in report.failures.items()},
            "arrival": plain(report.arrival),
        },
    }
