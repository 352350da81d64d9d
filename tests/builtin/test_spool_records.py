"""What the records say of themselves."""

from __future__ import annotations

import pytest

from smtpadmin.builtin.spool_records import Outcome, SpooledMessage, SpooledRecipient

RECIPIENTS = (
    SpooledRecipient(0, "0@y.example"),
    SpooledRecipient(1, "1@y.example", "sent", "2.0.0", "250", "h:25"),
    SpooledRecipient(2, "2@y.example", "bounced", "5.1.1", "550 no", "h:25"),
    SpooledRecipient(3, "3@y.example", "expired", "5.4.7", "late", None),
    SpooledRecipient(4, "4@y.example", "bounced", "5.1.1", "550 no", "h:25", told=True),
)
MESSAGE = SpooledMessage(
    "Q1", "active", 1, 2, 3, 0, False, "", 5, None, None, None, None, None, False, RECIPIENTS
)


def test_who_still_waits() -> None:
    assert [r.n for r in MESSAGE.waiting] == [0]


def test_of_whom_the_sender_knows_nothing_yet() -> None:
    assert MESSAGE.untold == (
        Outcome(2, "2@y.example", "bounced", "5.1.1", "550 no", "h:25"),
        Outcome(3, "3@y.example", "expired", "5.4.7", "late", "none"),
    )


@pytest.mark.parametrize(
    ("status", "final"),
    [("sent", True), ("delivered", True), ("bounced", True), ("deferred", False)],
)
def test_which_outcomes_are_final(status: str, final: bool) -> None:
    assert Outcome(0, "a", status, "", "", "").is_final is final
