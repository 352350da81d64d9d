"""What identifies a queued message, and how counts add up."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from smtpadmin.model.queue import QueueCounts, QueueEntry, QueueRecipient

ENTRY = QueueEntry("4XsA", "deferred", datetime(2026, 3, 1, tzinfo=UTC), 512, "a@b.example")


def test_a_reused_queue_id_is_another_message() -> None:
    again = dataclasses.replace(ENTRY, arrived=datetime(2026, 3, 2, tzinfo=UTC))
    assert again.queue_id == ENTRY.queue_id
    assert again.identity != ENTRY.identity


def test_a_retry_changes_no_identity() -> None:
    later = dataclasses.replace(ENTRY, tries=3, queue="active")
    assert later.identity == ENTRY.identity


def test_the_reason_is_of_a_recipient_that_still_waits() -> None:
    recipients = (
        QueueRecipient("x@y.example", "250 ok", delivered=True),
        QueueRecipient("z@y.example", "450 4.7.1 later"),
    )
    assert dataclasses.replace(ENTRY, recipients=recipients).reason == "450 4.7.1 later"
    assert ENTRY.reason is None


def test_counts_add_up() -> None:
    assert QueueCounts({"active": 2, "deferred": 5}).total == 7
