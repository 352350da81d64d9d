"""The checks of a caught message, with what others add."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from smtpadmin.model.catch import CaughtMessage
from smtpadmin.model.errors import UnreachableError
from smtpadmin.model.message_check import MessageCheck, MessageVerdict
from smtpadmin.services.message_checks import checks_of

MESSAGE = CaughtMessage(
    "m1", "s1", datetime(2026, 3, 1, tzinfo=UTC), "a@x", ("b@y",), b"Subject: x\r\n\r\nh\xc3\xa4\r\n",
    mail_options=("BODY=8BITMIME",),
)  # fmt: skip


async def test_the_pure_checks_know_what_mail_said() -> None:
    found = {check.name: check.summary for check in await checks_of(MESSAGE)}
    assert "does not say so" in found["eight-bit"]


async def test_another_check_is_added_at_the_end() -> None:
    async def authenticate(message: CaughtMessage) -> Sequence[MessageCheck]:
        return [MessageCheck("spf", MessageVerdict.PASS, message.client)]

    assert (await checks_of(MESSAGE, authenticate))[-1].name == "spf"


async def test_one_that_cannot_ask_does_not_take_the_others_away() -> None:
    async def authenticate(message: CaughtMessage) -> Sequence[MessageCheck]:
        raise UnreachableError("no name server answers")

    last = (await checks_of(MESSAGE, authenticate))[-1]
    assert (last.result, last.summary) == (MessageVerdict.UNTESTED, "no name server answers")
