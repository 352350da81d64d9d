"""What the log says of a delivery."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.builtin.config import Schedule
from smtpadmin.builtin.delivery_log import DeliveryLog
from smtpadmin.builtin.maillog import MailLog
from smtpadmin.builtin.spool_records import NewMessage, Outcome, SpooledMessage
from smtpadmin.builtin.stats import Statistics

SCHEDULE = Schedule(retry_s=(100,), jitter=0)


def message(arrived: float) -> SpooledMessage:
    return SpooledMessage(
        "Q1", "active", arrived, 4e9, 3, 2, False, "a@x.example", 5, None, None, None, None, None,
        False, (),
    )  # fmt: skip


def written(folder: Path, status: str, statistics: Statistics) -> dict[str, Any]:
    log = MailLog(folder / "mail.log", "mx.example")
    outcome = Outcome(0, "b@y.example", status, "2.0.0", "250 fine", "mx.y.example:25")
    now = time.time()
    DeliveryLog(SCHEDULE, log, statistics).delivery(
        message(now - 10), outcome, now - 4, now - 3, 1.0
    )
    log.close()
    found: dict[str, Any] = json.loads((folder / "mail.log").read_text())
    return found


def test_where_the_time_went(tmp_path: Path) -> None:
    found = written(tmp_path, "sent", Statistics())
    assert found["event"] == "delivery"
    assert found["delays"] == pytest.approx([6, 1, 1, 2], abs=0.3)
    assert found["delay"] == pytest.approx(10, abs=0.3)
    assert (found["to"], found["relay"], found["dsn"]) == (
        "b@y.example",
        "mx.y.example:25",
        "2.0.0",
    )
    assert (found["status"], found["reply"], found["tries"]) == ("sent", "250 fine", 3)
    assert "next_try" not in found
    assert found["message"].startswith("to=<b@y.example>, relay=mx.y.example:25, delay=10, delays=")


def test_a_deferred_one_says_when_it_is_tried_again(tmp_path: Path) -> None:
    found = written(tmp_path, "deferred", Statistics())
    assert found["level"] == "warning"
    assert found["next_try"] > found["time"]


@pytest.mark.parametrize(
    ("status", "counted"),
    [
        ("sent", "delivered"),
        ("delivered", "delivered"),
        ("expired", "bounced"),
        ("deferred", "deferred"),
    ],
)
def test_counts(tmp_path: Path, status: str, counted: str) -> None:
    statistics = Statistics()
    written(tmp_path, status, statistics)
    assert statistics.snapshot().totals[counted] == 1


def test_a_notification_names_both_messages(tmp_path: Path) -> None:
    log = MailLog(tmp_path / "mail.log", "mx.example")
    new = NewMessage("", ("a@x.example",), b"", 1, 2, message_id="<n@x>")
    DeliveryLog(SCHEDULE, log, Statistics()).notification("Q1", "Q2", "failure", new)
    log.close()
    found = json.loads((tmp_path / "mail.log").read_text())
    assert (found["queue_id"], found["notification_id"], found["kind"]) == ("Q1", "Q2", "failure")
    assert (found["from"], found["to"], found["message-id"]) == ("", ["a@x.example"], "<n@x>")
