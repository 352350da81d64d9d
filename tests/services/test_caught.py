"""Rows of the catch server's table: what they say of messages, of sessions and of checks."""

from __future__ import annotations

from datetime import UTC, datetime

from smtpadmin.model.catch import CaughtMessage, CaughtSession, CaughtTls
from smtpadmin.model.message_check import MessageCheck, MessageVerdict
from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.services.caught import (
    CAUGHT_COLUMNS,
    Outcome,
    last_words,
    row_of_message,
    row_of_session,
    verdict_of,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MESSAGE = CaughtMessage(
    "m1", "s1", NOW, "", ("b@y.example", "c@z.example"), b"x" * 10, client="127.0.0.1",
    tls=CaughtTls("TLSv1.3", "AES"), accepted=False,
)  # fmt: skip


def values(row: object) -> dict[str, object]:
    return {column.name: column.key(row) for column in CAUGHT_COLUMNS}  # type: ignore[arg-type]


def test_a_message_can_be_found_by_each_of_its_parts() -> None:
    row = row_of_message(MESSAGE)
    found = values(row)
    assert found["recipient"] == "b@y.example\nc@z.example"
    assert found["domain"] == "y.example\nz.example"
    assert (found["sender"], found["size"], found["tls"]) == ("", 10, "TLSv1.3")
    assert row.outcome is Outcome.REFUSED


def test_a_session_without_a_message_says_what_it_was_told_last() -> None:
    lines = tuple(
        TranscriptLine(0.0, direction, line)
        for direction, line in (("*", "connection"), ("<", "452 full"), (">", "QUIT"), ("<", "221"))
    )
    row = row_of_session(CaughtSession("s1", NOW, NOW, "127.0.0.1", transcript=lines))
    assert row.outcome is Outcome.NO_MESSAGE
    assert row.session is not None
    assert last_words(row.session) == "452 full"
    assert last_words(CaughtSession("s2", NOW, NOW, "c", transcript=lines[:1])) == "connection"
    assert last_words(CaughtSession("s3", NOW, NOW, "c")) == ""
    assert values(row)["sender"] is None


def test_checks_in_a_few_words() -> None:
    def checks(*results: MessageVerdict) -> tuple[MessageCheck, ...]:
        return tuple(MessageCheck("x", result, "") for result in results)

    fail, warn, good = MessageVerdict.FAIL, MessageVerdict.WARN, MessageVerdict.PASS
    assert verdict_of(None) == ("", "muted")
    assert verdict_of(checks(good)) == ("pass", "ok")
    assert verdict_of(checks(good, warn, warn)) == ("2 warn", "warn")
    assert verdict_of(checks(fail, warn)) == ("1 fail, 1 warn", "err")
