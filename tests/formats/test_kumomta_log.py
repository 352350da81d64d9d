"""KumoMTA's records: every type, one or several recipients, replies in parts."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.kumomta_log import looks_like, parse_line
from smtpadmin.model.log import LogRecord

MANUAL = Path(__file__).resolve().parents[3] / "shared/corpora/kumomta/log_record.md"
BASE: dict[str, Any] = {
    "type": "Delivery",
    "id": "1d98076abbbc11ed940250ebf67f93bd",
    "sender": "a@example.org",
    "recipient": "b@example.org",
    "size": 1047,
    "response": {
        "code": 250,
        "enhanced_code": {"class": 2, "subject": 0, "detail": 0},
        "content": "OK ids=8a54",
        "command": ".",
    },
    "peer_address": {"name": "mx.example.org.", "addr": "192.0.2.9"},
    "timestamp": 1757675281,
    "nodeid": "557f3ad4",
    "headers": {"Message-ID": "<x@y>", "Subject": "hello"},
}


def record(**other: Any) -> LogRecord:
    return parse_line(json.dumps(BASE | other).encode())


def test_a_delivery() -> None:
    found = record()
    assert (found.event, found.queue_id, found.host) == ("delivery", BASE["id"], "557f3ad4")
    assert found.time == datetime(2025, 9, 12, 11, 8, 1, tzinfo=UTC)
    assert (
        found.fields.items()
        >= {
            "from": "a@example.org",
            "to": ["b@example.org"],
            "status": "sent",
            "code": 250,
            "dsn": "2.0.0",
            "reply": "250 2.0.0 OK ids=8a54",
            "relay_name": "mx.example.org.",
            "relay_address": "192.0.2.9",
            "message-id": "x@y",
            "subject": "hello",
            "size": 1047,
        }.items()
    )


@pytest.mark.parametrize(
    ("kind", "event", "status"),
    [
        ("Reception", "queued", None),
        ("Bounce", "delivery", "bounced"),
        ("TransientFailure", "delivery", "deferred"),
        ("Expiration", "expired", "expired"),
        ("AdminBounce", "delivery", "bounced"),
        ("OOB", "notification", None),
        ("Feedback", "feedback", None),
        ("Rejection", "reject", "rejected"),
        ("XferOut", "transfer-out", None),
        ("XferIn", "transfer-in", None),
        ("Newest", "newest", None),
    ],
)
def test_types(kind: str, event: str, status: str | None) -> None:
    found = record(type=kind)
    assert (found.event, found.fields.get("status")) == (event, status)
    assert looks_like(json.dumps(BASE | {"type": kind}).encode()) == (kind != "Newest")


def test_times_lists_and_nulls() -> None:
    precise = record(event_time="2025-09-12T11:08:01.440526026Z").time
    assert precise == datetime(2025, 9, 12, 11, 8, 1, 440526, tzinfo=UTC)
    assert record(recipient=["a@b", None, "c@d"]).fields["to"] == ["a@b", "c@d"]
    assert "to" not in record(recipient=None).fields
    assert record(response=None, peer_address=None, headers=None).fields["from"] == "a@example.org"
    assert record(response={"code": 550}).fields["reply"] == "550"
    assert record(timestamp="x").time is None
    assert record(type="Reception").fields["client_address"] == "192.0.2.9"
    assert record(sender="").fields["from"] == ""


def test_what_is_no_record_is_kept() -> None:
    for line in (b"", b"{}", b'{"type":5}', b"x", b'{"level":"INFO"}'):
        found = parse_line(line)
        assert (found.event, found.raw, found.fields) == ("other", line.decode(), {})
        assert not looks_like(line)


@pytest.mark.skipif(not MANUAL.exists(), reason="the shared corpus is not here")
def test_the_example_of_the_manual() -> None:
    block = MANUAL.read_text().split("```json\n")[1].split("```")[0]
    block = re.sub(r"^\s*//.*$", "", block, flags=re.M).replace('mydomain"]}', 'mydomain"]')
    example = re.sub(r",(\s*\})", r"\1", block)
    found = parse_line(json.dumps(json.loads(example)).encode())
    assert (found.event, found.fields["to"]) == ("delivery", ["user@recipient.example.com"])
    assert found.fields["reply"] == "250 2.0.0 OK ids=8a5475ccbbc611eda12250ebf67f93bd"
    assert found.queue_id == "1d98076abbbc11ed940250ebf67f93bd"


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(sorted(BASE)), _values), st.binary(max_size=60))
def test_members_of_any_type(other: dict[str, object], octets: bytes) -> None:
    record(**other)
    looks_like(octets)
    assert parse_line(octets).raw == octets.decode("utf-8", "backslashreplace")
