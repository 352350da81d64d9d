"""Waits until a message arrives in a mailbox, for a bounded time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from smtpadmin.model.errors import (
    NOT_MENDED_BY_WAITING,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
)
from smtpadmin.model.mailbox import Arrival, MailboxAccount, MailboxProtocol
from smtpadmin.util.backoff import Backoff

FIRST_STEP_S = 0.5
MOST_STEP_S = 10.0
_NOBODYS = "0" * 64
SESSION_S = 60.0
"""At most for one look into the mailbox."""


async def wait_for_message(
    account: MailboxAccount, message_id: str, deadline: float
) -> Arrival | None:
    """Look again and again, each time after a longer wait, for ``deadline`` seconds; None when it has
    not arrived by then. A mailbox that cannot be reached is tried again, and its error raised when
    it never could be; LoginError, UntrustedError and UsageError are raised at once."""
    return await _wait(account, message_id, deadline, report=False)


async def wait_for_report(
    account: MailboxAccount, message_id: str, deadline: float
) -> Arrival | None:
    """As :func:`wait_for_message`, for the bounce or delivery status about a message that was sent
    from this mailbox's owner."""
    return await _wait(account, message_id, deadline, report=True)


async def _wait(
    account: MailboxAccount, message_id: str, deadline: float, *, report: bool
) -> Arrival | None:
    until = asyncio.get_running_loop().time() + deadline
    pause = Backoff(FIRST_STEP_S, MOST_STEP_S)
    failure: UnreachableError | None = None
    answered = False
    while (left := until - asyncio.get_running_loop().time()) > 0:
        try:
            found = await _look(account, message_id, min(SESSION_S, left), report)
        except NOT_MENDED_BY_WAITING:
            raise
        except UnreachableError as error:
            failure = failure_to_tell(failure, error)
        else:
            if found is not None:
                return found
            answered = True
        left = until - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, min(pause.next(), left)))
    if failure is not None and not answered:
        raise failure
    return None


def failure_to_tell(before: UnreachableError | None, now: UnreachableError) -> UnreachableError:
    """Our own deadline, at the end, says less than what went wrong before."""
    return before if before is not None and isinstance(now, TotalDeadlineError) else now


async def _look(
    account: MailboxAccount, message_id: str, deadline_s: float, report: bool
) -> Arrival | None:
    if account.protocol is MailboxProtocol.IMAP:
        from smtpadmin.transport.mailbox_imap import find_by_imap

        return await find_by_imap(account, message_id, deadline_s, report=report)
    from smtpadmin.transport.mailbox_pop3 import find_by_pop3

    return await find_by_pop3(account, message_id, deadline_s, report=report)


async def shown_certificate(account: MailboxAccount, deadline: float = 15.0) -> str:
    """The SHA-256 (hex) of the certificate that the mailbox's server shows, to ask a person about it;
    empty when it shows none. Nothing secret is sent: the session ends after the handshake, for no
    certificate has the fingerprint that is demanded."""
    try:
        await _look(replace(account, fingerprint=_NOBODYS), "x@smtpadmin.invalid", deadline, False)
    except UntrustedError as error:
        return error.fingerprint
    except SmtpadminError:
        return ""
    return ""
