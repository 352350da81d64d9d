"""What the declared columns take from real-looking rows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smtpadmin.model.filter import FILTER_FIELDS, NUMBER_FIELDS
from smtpadmin.model.log import LogRecord
from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, Leg, TrackedMessage, TrackedRecipient
from smtpadmin.services.columns import (
    LOG_COLUMNS,
    QUEUE_COLUMNS,
    TRACKED_COLUMNS,
    Column,
    Value,
    domain_of,
    reply_codes,
)

NOON = datetime(2025, 11, 24, 12, tzinfo=UTC)


def value(columns: tuple[Column, ...], name: str, row: object) -> Value:
    return next(column for column in columns if column.name == name).key(row)


@pytest.mark.parametrize("columns", [QUEUE_COLUMNS, LOG_COLUMNS, TRACKED_COLUMNS])
def test_names_are_unique_and_fields_are_of_the_language(columns: tuple[Column, ...]) -> None:
    names = [column.name for column in columns]
    assert len(set(names)) == len(names)
    assert {c.field for c in columns if c.field} <= {*FILTER_FIELDS, *NUMBER_FIELDS}
    assert any(column.anywhere for column in columns)


@pytest.mark.parametrize(
    ("reply", "codes"),
    [
        ("451 4.7.1 Greylisted, try again", ["451", "4.7.1"]),
        ("host mx.example.org[192.0.2.25] said: 550 5.1.1 <x> unknown", ["550", "5.1.1"]),
        ("connect to 10.4.5.1: refused", []),
        ("452-4.2.2 full 452 4.2.2", ["452", "4.2.2"]),
        ("1450 bytes", []),
        ("x" * 400 + " 550", []),
    ],
)
def test_codes_of_a_reply(reply: str, codes: list[str]) -> None:
    assert reply_codes(reply) == codes


@pytest.mark.parametrize(
    ("address", "domain"),
    [("bob@Example.ORG", "example.org"), ("postmaster", ""), ('"a@b"@c.example', "c.example")],
)
def test_domain(address: str, domain: str) -> None:
    assert domain_of(address) == domain


def test_a_queue_entry_tells_of_the_recipients_that_still_wait() -> None:
    entry = QueueEntry(
        "4F1",
        "deferred",
        NOON,
        1200,
        "",
        (
            QueueRecipient("a@one.example", "450 4.2.0 later"),
            QueueRecipient("b@two.example", "250 2.0.0 ok", delivered=True),
            QueueRecipient("c@one.example", "450 4.2.0 later"),
        ),
    )
    assert value(QUEUE_COLUMNS, "recipient", entry) == "a@one.example\nb@two.example\nc@one.example"
    assert value(QUEUE_COLUMNS, "domain", entry) == "one.example"
    assert value(QUEUE_COLUMNS, "reason", entry) == "450 4.2.0 later"
    assert value(QUEUE_COLUMNS, "code", entry) == "450\n4.2.0"
    assert value(QUEUE_COLUMNS, "sender", entry) == ""
    assert value(QUEUE_COLUMNS, "tries", entry) is None


def test_a_log_record_tells_by_the_names_of_its_grammar() -> None:
    record = LogRecord(
        raw="...",
        event="delivery",
        host="mx1",
        message="to=<bob@example.org>, status=deferred",
        fields={"from": "", "to": "bob@example.org", "dsn": "4.4.1", "status": "deferred",
                "size": "812", "tries": 3},
    )  # fmt: skip
    assert value(LOG_COLUMNS, "from", record) == ""
    assert value(LOG_COLUMNS, "domain", record) == "example.org"
    assert value(LOG_COLUMNS, "code", record) == "4.4.1"
    assert value(LOG_COLUMNS, "state", record) == "deferred"
    assert value(LOG_COLUMNS, "size", record) == 812
    assert value(LOG_COLUMNS, "tries", record) == 3
    assert value(LOG_COLUMNS, "size", LogRecord("?", fields={"size": "big"})) is None


def test_a_tracked_message_sums_up_its_recipients() -> None:
    message = TrackedMessage(
        ("A1", "B2"),
        DeliveryStatus.PARTIAL,
        (
            TrackedRecipient("a@one.example", DeliveryStatus.SENT, dsn="2.0.0", delay=1.5),
            TrackedRecipient(
                "b@two.example", DeliveryStatus.BOUNCED, reply="550 5.1.1 no", delay=9, attempts=2
            ),
        ),
        legs=(Leg("A1", server="mx1"), Leg("B2", server="mx2")),
        client=Client("app.example", "192.0.2.7"),
    )
    expected = {
        "status": "partial",
        "delay": 9,
        "code": "2.0.0\n550\n5.1.1",
        "queue_id": "A1\nB2",
        "client": "app.example\n192.0.2.7",
        "server": "mx1\nmx2",
        "tries": 2,
        "sender": None,
    }
    assert {name: value(TRACKED_COLUMNS, name, message) for name in expected} == expected
