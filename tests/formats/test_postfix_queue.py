from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.formats.postfix_queue import EntryParser, NotAnEntryError, parse
from smtpadmin.model.queue import QueueEntry

SAMPLE = Path(__file__).parents[3] / "shared/lab/samples/postfix-postqueue-j.jsonl"
DATA = Path(__file__).parents[1] / "data/postfix"
NOW = datetime(2026, 11, 25, tzinfo=UTC)
WHOLE = {
    "queue_name": "deferred",
    "queue_id": "3071122695A",
    "arrival_time": 1795445581,
    "message_size": 2855,
    "forced_expire": False,
    "sender": "billing@lab.test",
    "recipients": [{"address": "u1@down.test", "delay_reason": "Connection refused"}],
}


def entry_of(**changes: Any) -> QueueEntry:
    return EntryParser().entry(json.dumps(WHOLE | changes).encode())


def read(*lines: bytes) -> tuple[list[QueueEntry], list[str]]:
    told: list[str] = []
    return list(parse(lines, NOW, told.append)), told


def test_one_message() -> None:
    entry = entry_of()
    assert (entry.queue_id, entry.queue, entry.size) == ("3071122695A", "deferred", 2855)
    assert entry.arrived == datetime.fromtimestamp(1795445581, UTC)
    assert entry.sender == "billing@lab.test"
    assert entry.recipients[0].address == "u1@down.test"
    assert entry.reason == "Connection refused"
    assert not entry.flags
    assert not entry.frozen
    assert entry.tries is entry.next_try is entry.expires is None, "postqueue does not say"


def test_the_null_sender_is_empty_and_its_name_can_be_configured() -> None:
    assert entry_of(sender="MAILER-DAEMON").sender == ""
    parser = EntryParser(null_sender="<>")
    assert parser.entry(json.dumps(WHOLE | {"sender": "<>"}).encode()).sender == ""
    other = json.dumps(WHOLE | {"sender": "MAILER-DAEMON"}).encode()
    assert parser.entry(other).sender == "MAILER-DAEMON"


def test_active_mail_has_no_reason_and_forced_expire_is_a_flag() -> None:
    entry = entry_of(queue_name="active", recipients=[{"address": "a@b"}], forced_expire=True)
    assert entry.reason is None
    assert entry.flags == ("forced-expire",)


@pytest.mark.parametrize("member", ["delay_reason", "bounce_reason", "other_reason"])
def test_any_reason_is_the_reason(member: str) -> None:
    assert entry_of(recipients=[{"address": "a@b", member: "no"}]).reason == "no"


def test_members_of_unexpected_types_do_not_cost_the_message() -> None:
    entry = entry_of(
        arrival_time="1795445581", message_size=None, forced_expire="yes", sender=7,
        recipients=["a@b", {"address": None, "delay_reason": 3}, 9],
    )  # fmt: skip
    assert entry.arrived == datetime.fromtimestamp(1795445581, UTC)
    assert entry.size is None
    assert [r.address for r in entry.recipients] == ["a@b", "", ""]


def test_times_out_of_range_and_odd_octets() -> None:
    assert entry_of(arrival_time=10**17).arrived is None
    line = json.dumps(WHOLE).encode().replace(b"billing", b"b\xe9lling")
    assert EntryParser().entry(line).sender == "b\\xe9lling@lab.test"


def test_a_cut_last_line_is_said_and_the_others_are_kept() -> None:
    line = json.dumps(WHOLE).encode()
    entries, told = read(line, line[:70])
    assert len(entries) == 1
    assert told == [f"line 2 is cut or damaged: {line[:70].decode().strip()}"]


def test_an_error_is_not_an_empty_queue() -> None:
    assert read() == ([], [])
    entries, told = read(b"postqueue: fatal: Queue report unavailable - mail system is down")
    assert entries == []
    assert "Queue report unavailable" in told[0]


def test_an_object_without_a_queue_id_is_no_entry() -> None:
    for line in (b"{}", b"[]", b"1", b'{"queue_id": ""}', b"\xff", b"[" * 100_000):
        with pytest.raises(NotAnEntryError):
            EntryParser().entry(line)


def test_newer_members_of_postfix_3_11() -> None:
    lines = (DATA / "3.11/postqueue-j.jsonl").read_bytes().splitlines()
    entries, told = read(*lines)
    assert told == []
    assert [entry.queue for entry in entries] == ["deferred", "active", "deferred"]
    assert (
        entries[0].recipients[1].reason
        == "host mx.example.net[192.0.2.7] said: 550 5.1.1 no such user"
    )
    assert entries[1].flags == ("forced-expire",)
    assert entries[2].queue_id == "4cYtxk3pQ1zKw2"


def test_every_line_of_a_real_listing() -> None:
    if not SAMPLE.exists():
        pytest.skip(f"{SAMPLE} is not there")
    lines = SAMPLE.read_bytes().splitlines()
    entries, told = read(*lines)
    assert told == []
    for line, entry in zip(lines, entries, strict=True):
        found = json.loads(line)
        assert entry.queue_id == found["queue_id"]
        assert entry.sender == ("" if found["sender"] == "MAILER-DAEMON" else found["sender"])
        assert [(r.address, r.reason) for r in entry.recipients] == [
            (r["address"], r.get("delay_reason")) for r in found["recipients"]
        ]


MEMBERS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9))
OBJECTS = st.dictionaries(
    st.sampled_from([*WHOLE, "address", "new_member"]),
    st.one_of(MEMBERS, st.lists(MEMBERS), st.dictionaries(st.text(max_size=3), MEMBERS)),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(OBJECTS)
def test_any_object_is_an_entry_or_is_told(members: dict[str, Any]) -> None:
    entries, told = read(json.dumps(members).encode())
    assert len(entries) + len(told) == 1


def test_texts_that_come_again_are_kept_once() -> None:
    parser = EntryParser()
    line = json.dumps(WHOLE).encode()
    first, second = parser.entry(line), parser.entry(line)
    assert first.reason is second.reason
    assert first.sender is second.sender
