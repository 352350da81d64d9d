"""Looks for one message in a POP3 maildrop (RFC 1939), and removes nothing from it.

The maildrop is a picture taken at login: every search is a session of its own, in a thread. The
header of the newest messages is read (TOP), then the one that is wanted.
"""

from __future__ import annotations

import poplib
from datetime import UTC, datetime
from typing import Any

from smtpadmin.model.errors import LoginError, ProtocolError
from smtpadmin.model.mailbox import Arrival, MailboxAccount
from smtpadmin.model.profile import TlsMode
from smtpadmin.transport.mailbox_common import (
    MOST_OCTETS,
    Wanted,
    check_account,
    check_certificate,
    searchable_id,
    worded,
)
from smtpadmin.transport.tls import client_context
from smtpadmin.util.tasks import run_blocking_for

STEP_S = 15.0
MOST_MESSAGES = 200
"""The newest messages that are looked at."""
MOST_LINE = 1_000_000
REPORT_LINES = 500


class _LongLines:
    """poplib refuses lines of more than 2,048 octets, which mail has, and leaves the socket open when
    the greeting is none."""

    file: Any
    sock: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        try:
            super().__init__(*arguments, **options)
        except BaseException:
            for left in ("file", "sock"):
                if hasattr(self, left):
                    getattr(self, left).close()
            raise

    def _getline(self) -> tuple[bytes, int]:
        line = self.file.readline(MOST_LINE + 1)
        if len(line) > MOST_LINE:
            raise poplib.error_proto("line too long")
        if not line:
            raise poplib.error_proto("-ERR EOF")
        return line.rstrip(b"\r\n"), len(line)


class _Plain(_LongLines, poplib.POP3):
    """In the clear, or until STLS."""


class _Encrypted(_LongLines, poplib.POP3_SSL):
    """Encrypted from the first octet."""


async def find_by_pop3(
    account: MailboxAccount, message_id: str, deadline_s: float, *, report: bool = False
) -> Arrival | None:
    """The newest message with that Message-ID, or the newest ``report`` about it. Raises LoginError,
    UntrustedError, UnreachableError, ProtocolError, TotalDeadlineError."""
    check_account(account)
    wanted = Wanted(searchable_id(message_id), report)
    return await run_blocking_for(deadline_s, _find, account, wanted, min(STEP_S, deadline_s))


def _find(account: MailboxAccount, wanted: Wanted, step_s: float) -> Arrival | None:
    with worded(account, (poplib.error_proto,)):
        session = _connected(account, step_s)
        try:
            check_certificate(session.sock, account)
            _log_in(session, account)
            return _search(session, wanted)
        finally:
            _leave(session)


def _connected(account: MailboxAccount, step_s: float) -> poplib.POP3:
    if account.tls is TlsMode.NONE:
        return _Plain(account.host, account.port, timeout=step_s)
    context = client_context(ca_file=account.ca_file, fingerprint=account.fingerprint)
    if account.tls is TlsMode.IMPLICIT:
        return _Encrypted(account.host, account.port, timeout=step_s, context=context)
    session = _Plain(account.host, account.port, timeout=step_s)
    try:
        session.stls(context)
    except BaseException:
        session.close()
        raise
    return session


def _log_in(session: poplib.POP3, account: MailboxAccount) -> None:
    session.encoding = "utf-8"
    try:
        session.user(account.user)
        session.pass_(account.password)
    except poplib.error_proto as error:
        raise LoginError(
            "the mailbox refused the login", where=account.where, remedy="Check user and password."
        ) from error


def _leave(session: poplib.POP3) -> None:
    try:
        session.quit()
    except (poplib.error_proto, OSError, ValueError):
        session.close()


def _search(session: poplib.POP3, wanted: Wanted) -> Arrival | None:
    count, _ = session.stat()
    for number in range(count, max(0, count - MOST_MESSAGES), -1):
        _, lines, _ = session.top(number, REPORT_LINES if wanted.report else 0)
        if not wanted.is_in(b"\r\n".join(lines)):
            continue
        octets = _octets(session, number)
        if octets > MOST_OCTETS:
            raise ProtocolError(f"the message has {octets} octets, too many to fetch")
        _, lines, _ = session.retr(number)
        raw = b"\r\n".join(lines) + b"\r\n"
        return Arrival("INBOX", str(number), raw, datetime.now(UTC))
    return None


def _octets(session: poplib.POP3, number: int) -> int:
    """Its size, as the listing says: with a number poplib gives the one line, not a list."""
    answer: Any = session.list(number)
    return int(answer.split()[2])
