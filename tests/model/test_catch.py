"""The nouns of the catch server."""

from __future__ import annotations

from datetime import UTC, datetime

from smtpadmin.model.catch import RULE_POINTS, CaughtMessage
from smtpadmin.model.smtp import Stage


def test_the_size_is_that_of_the_octets() -> None:
    message = CaughtMessage("m", "s", datetime.now(UTC), "", ("b@y",), b"\xc3\xa4\r\n")
    assert message.size == 4
    assert "\\xc3" not in repr(message)


def test_rules_act_at_what_a_client_does_or_ends() -> None:
    assert set(Stage) - set(RULE_POINTS) == {Stage.RESOLVE, Stage.BANNER, Stage.TLS}
