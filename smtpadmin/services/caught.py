"""What the catch server's table shows: one row for each message, and for each session without one."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from smtpadmin.model.catch import CaughtMessage, CaughtSession
from smtpadmin.model.message_check import MessageCheck, MessageVerdict
from smtpadmin.services.columns import Column, Kind, domain_of


class Outcome(enum.StrEnum):
    """How it ended for the client."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NO_MESSAGE = "no message"


@dataclass(frozen=True, slots=True)
class Caught:
    """A row. ``session`` stands in it only when there is no ``message``: a client that was refused
    before, or left. ``checks`` is None until they have run."""

    key: str
    time: datetime
    session_id: str
    client: str
    message: CaughtMessage | None = None
    session: CaughtSession | None = None
    checks: tuple[MessageCheck, ...] | None = None

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        if self.message is None:
            return Outcome.NO_MESSAGE
        return Outcome.ACCEPTED if self.message.accepted else Outcome.REFUSED

    @property
    def tls(self) -> str:
        """The protocol version; empty in clear text."""
        one = self.message or self.session
        return one.tls.version if one is not None and one.tls is not None else ""


def row_of_message(message: CaughtMessage) -> Caught:
    """The row of a message."""
    return Caught(
        message.message_id, message.time, message.session_id, message.client, message=message
    )


def row_of_session(session: CaughtSession) -> Caught:
    """The row of a session that brought no message."""
    return Caught(
        session.session_id, session.began, session.session_id, session.client, session=session
    )


def last_words(session: CaughtSession) -> str:
    """What the server said last that was a refusal, else what was noted last; empty for none."""
    replies = [x.line for x in session.transcript if x.direction == "<" and x.line[:1] in "45"]
    notes = [x.line for x in session.transcript if x.direction == "*"]
    return next(iter([*reversed(replies), *reversed(notes)]), "")


def verdict_of(checks: Sequence[MessageCheck] | None) -> tuple[str, str]:
    """All checks in a few words, and their tone."""
    if checks is None:
        return "", "muted"
    failed = sum(check.result is MessageVerdict.FAIL for check in checks)
    warned = sum(check.result is MessageVerdict.WARN for check in checks)
    words = [f"{failed} fail"] if failed else []
    if warned:
        words.append(f"{warned} warn")
    return ", ".join(words) or "pass", "err" if failed else "warn" if warned else "ok"


def _sender(row: Caught) -> str | None:
    return row.message.sender if row.message is not None else None


def _recipients(row: Caught) -> str | None:
    return "\n".join(row.message.recipients) if row.message is not None else None


def _domains(row: Caught) -> str | None:
    if row.message is None:
        return None
    return "\n".join(dict.fromkeys(map(domain_of, row.message.recipients)))


CAUGHT_COLUMNS: tuple[Column[Caught], ...] = (
    Column("time", Kind.TIME, lambda r: r.time, "age"),
    Column("outcome", Kind.TEXT, lambda r: r.outcome.value, "state", anywhere=True),
    Column("sender", Kind.TEXT, _sender, "from", anywhere=True),
    Column("recipient", Kind.TEXT, _recipients, "to", anywhere=True),
    Column("domain", Kind.TEXT, _domains, "domain"),
    Column("subject", Kind.TEXT, lambda r: r.message.subject if r.message else None, anywhere=True),
    Column("size", Kind.NUMBER, lambda r: r.message.size if r.message else None, "size"),
    Column("client", Kind.TEXT, lambda r: r.client, anywhere=True),
    Column("tls", Kind.TEXT, lambda r: r.tls, anywhere=True),
    Column("checks", Kind.TEXT, lambda r: verdict_of(r.checks)[0], anywhere=True),
    Column("id", Kind.TEXT, lambda r: r.key, "id", anywhere=True),
)
