"""KumoMTA's messages: every record type, nodes, reports that are messages of their own."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.formats.kumomta_tracking import find
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import Client, TrackCriteria, TrackedMessage
from tests.support.log_writers import parsed

RECORDS = Path(__file__).resolve().parents[3] / "shared/corpora/kumomta/log_record.md"
CREATED = 1_757_675_281


def record(kind: str, after: int = 0, **more: Any) -> str:
    return json.dumps(
        {"type": kind, "id": "m1", "sender": "a@example.org", "recipient": "b@c.example", "size": 9,
         "timestamp": CREATED + after, "created": CREATED, "num_attempts": 0, "nodeid": "n1"} | more
    )  # fmt: skip


def reply(code: int, content: str) -> dict[str, Any]:
    numbers = {"class": code // 100, "subject": 1, "detail": 1}
    return {"code": code, "enhanced_code": numbers, "content": content}


def track(*lines: str, **wanted: Any) -> list[TrackedMessage]:
    return list(find(parsed("kumomta", list(lines)), TrackCriteria(**({"lines": True} | wanted))))


def test_a_message_that_was_put_off_and_went() -> None:
    peer = {"name": "mx.c.example.", "addr": "192.0.2.9"}
    (found,) = track(
        record("Reception", peer_address={"name": "ws", "addr": "192.0.2.7"}, headers={"Subject": "Hi", "Message-ID": "<x@y>"}),
        record("TransientFailure", 5, response=reply(450, "later"), peer_address=peer),
        record("Delivery", 65, num_attempts=1, response=reply(250, "ok"), peer_address=peer),
    )  # fmt: skip
    assert (found.message_id, found.subject, found.client) == (
        "<x@y>",
        "Hi",
        Client("ws", "192.0.2.7"),
    )
    (recipient,) = found.recipients
    assert (recipient.status, recipient.attempts, recipient.delay) == (S.SENT, 2, 65.0)
    assert (recipient.relay, recipient.reply) == ("mx.c.example[192.0.2.9]", "250 2.1.1 ok")
    assert found.arrived == datetime.fromtimestamp(CREATED, UTC)


@pytest.mark.parametrize(
    ("kind", "more", "status"),
    [
        ("Delivery", {"delivery_protocol": "ESMTP"}, S.SENT),
        ("Delivery", {"delivery_protocol": "Maildir"}, S.DELIVERED),
        ("Bounce", {}, S.BOUNCED),
        ("AdminBounce", {}, S.BOUNCED),
        ("Expiration", {}, S.EXPIRED),
        ("Delayed", {}, S.DEFERRED),
        ("TransientFailure", {}, S.DEFERRED),
        ("AdminRebind", {}, S.QUEUED),
        ("XferOut", {}, S.QUEUED),
    ],
)
def test_every_record_type(kind: str, more: dict[str, Any], status: S) -> None:
    (found,) = track(record("Reception"), record(kind, 3, **more))
    assert found.status is status
    assert len(found.lines) == 2


def test_a_batch_whose_recipients_end_differently() -> None:
    (found,) = track(
        record("Reception", recipient=["b@c.example", "d@c.example"]),
        record("Delivery", 1, recipient=["b@c.example"]),
        record("Bounce", 1, recipient=["d@c.example"], response=reply(550, "no")),
    )
    assert {r.address: r.status for r in found.recipients} == {
        "b@c.example": S.SENT,
        "d@c.example": S.BOUNCED,
    }
    assert found.status is S.PARTIAL


def test_one_message_on_two_nodes() -> None:
    (found,) = track(
        record("Reception"), record("XferOut", 4),
        record("XferIn", 4, nodeid="n2"), record("Delivery", 9, nodeid="n2"),
    )  # fmt: skip
    assert [(leg.host, leg.kind) for leg in found.legs] == [("n1", "accepted"), ("n2", "relayed")]
    assert found.legs[0].completed == datetime.fromtimestamp(CREATED + 4, UTC)
    assert (found.status, found.queue_ids) == (S.SENT, ("m1",))


def test_a_log_that_begins_after_the_reception() -> None:
    (found,) = track(record("Delivery", 90, num_attempts=3))
    assert found.arrived == datetime.fromtimestamp(CREATED, UTC)
    assert (found.recipients[0].attempts, found.recipients[0].delay) == (4, 90.0)


def test_refusals_and_reports() -> None:
    refused = record(
        "Rejection", id="", sender="", recipient="x@c.example", response=reply(550, "no")
    )
    oob = record("OOB", 1, id="r1", sender="", response=reply(511, "gone"))
    feedback = record("Feedback", 2, id="r2", recipient="fbl@example.org")
    first, second, third = track(refused, oob, feedback)
    assert (first.status, first.queue_ids, first.sender) == (S.REJECTED, (), "")
    assert (second.status, second.queue_ids) == (S.BOUNCED, ("r1",))
    assert (third.status, third.recipients[0].address) == (S.DELIVERED, "fbl@example.org")


@pytest.mark.skipif(not RECORDS.exists(), reason="the shared corpora are not here")
def test_the_record_of_the_manual() -> None:
    found = re.search(r"```json\n(.*?)```", RECORDS.read_text("utf-8"), re.S)
    assert found
    without_comments = re.sub(r"^\s*//.*$", "", found[1], flags=re.M)
    text = re.sub(r",(\s*})", r"\1", without_comments).replace('mydomain"]},', 'mydomain"],')
    (message,) = track(json.dumps(json.loads(text)))
    assert (message.status, message.queue_ids) == (S.SENT, ("1d98076abbbc11ed940250ebf67f93bd",))
    assert message.recipients[0].relay == "gmail-smtp-in.l.google.com[142.251.2.27]"
