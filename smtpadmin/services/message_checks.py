"""The checks of a caught message: the pure ones in a thread, and what others add.

``authenticate`` is where the recomputation of SPF, DKIM, DMARC and ARC is plugged in: it gets the
message with its client, HELO name and envelope, and may ask the DNS. It never fails the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from smtpadmin.formats.message_checks import check_message
from smtpadmin.model.catch import CaughtMessage
from smtpadmin.model.errors import SmtpadminError, TotalDeadlineError
from smtpadmin.model.message_check import MessageCheck, MessageVerdict
from smtpadmin.util.tasks import run_blocking_for

Authenticate = Callable[[CaughtMessage], Awaitable[Sequence[MessageCheck]]]
PURE_S = 20.0


async def checks_of(
    message: CaughtMessage, authenticate: Authenticate | None = None
) -> tuple[MessageCheck, ...]:
    """All checks in a fixed order. What could not be tested says so; nothing is raised for what the
    message holds."""
    try:
        found = await run_blocking_for(
            PURE_S,
            check_message,
            message.raw,
            mail_options=message.mail_options,
            smtputf8=message.smtputf8,
        )
    except TotalDeadlineError as error:
        found = (MessageCheck("message", MessageVerdict.UNTESTED, error.what),)
    if authenticate is None:
        return found
    try:
        return *found, *await authenticate(message)
    except SmtpadminError as error:
        return *found, MessageCheck("authentication", MessageVerdict.UNTESTED, error.what)
