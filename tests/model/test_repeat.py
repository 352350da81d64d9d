"""A result of a test message as an outcome."""

from __future__ import annotations

from smtpadmin.model.repeat import Outcome, outcome_of
from smtpadmin.model.smtp import Reply, SendResult, Stage


def test_of_a_refusal() -> None:
    result = SendResult(
        "refused",
        Stage.RCPT,
        "<1@x>",
        "mx:25",
        Reply(550, "5.1.1 no"),
        timings_ms={"a": 1.5, "b": 2.0},
    )
    assert outcome_of(result) == Outcome(
        "refused", "rcpt", "550 5.1.1 no", "mx:25", "<1@x>", None, 3.5
    )
    assert not outcome_of(result).ok


def test_of_a_failure_without_a_reply() -> None:
    result = SendResult("failed", Stage.CONNECT, "<1@x>", "mx:25", error="cannot connect")
    assert outcome_of(result).reply == "cannot connect"


def test_accepted_is_ok() -> None:
    assert Outcome("accepted").ok
