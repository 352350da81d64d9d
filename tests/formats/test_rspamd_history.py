"""Rspamd's history, in both versions, row by row and as a whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.rspamd_history import looks_like, parse_line, rows

SAMPLE = Path(__file__).resolve().parents[3] / "shared/lab/samples/rspamd-history.json"
ROW: dict[str, Any] = {
    "unix_time": 1795447006,
    "message-id": "x@y",
    "ip": "192.0.2.7",
    "sender_smtp": "a@example.org",
    "rcpt_smtp": ["b@example.org"],
    "subject": "hello",
    "size": 297,
    "action": "soft reject",
    "score": 5.85,
    "required_score": 15,
    "symbols": {"GREYLIST": {"score": 0}},
}


def test_a_row() -> None:
    found = parse_line(json.dumps(ROW).encode())
    assert (found.event, found.time) == ("scan", datetime(2026, 11, 23, 15, 16, 46, tzinfo=UTC))
    assert (
        found.fields.items()
        >= {
            "from": "a@example.org",
            "to": ["b@example.org"],
            "message-id": "x@y",
            "client_address": "192.0.2.7",
            "status": "deferred",
            "subject": "hello",
            "size": 297,
        }.items()
    )
    assert found.message == "soft reject: score 5.85 of 15"


@pytest.mark.parametrize("document", [{"version": 2, "rows": [ROW, ROW]}, [ROW, ROW]])
def test_an_answer(document: object) -> None:
    octets = json.dumps(document).encode()
    assert [found.event for found in rows(octets)] == ["scan", "scan"]
    whole = parse_line(octets)
    assert (whole.event, whole.fields) == ("history", {"rows": 2})
    assert looks_like(octets)


def test_a_row_of_the_built_in_version() -> None:
    old = {
        "time": "x",
        "unix_time": 1.5,
        "id": "<a@b>",
        "action": "reject",
        "required_score": 1,
        "from": "c",
    }
    found = parse_line(json.dumps(old).encode())
    assert (found.fields["message-id"], found.fields["from"], found.fields["status"]) == (
        "a@b",
        "c",
        "rejected",
    )


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"[1]", b"x", b'{"rows":[1]}', b"[" * 100_000])
def test_other_lines_are_kept(line: bytes) -> None:
    assert (parse_line(line).event, parse_line(line).raw) == ("other", line.decode())
    assert rows(line) == []
    assert not looks_like(line)


@pytest.mark.skipif(not SAMPLE.exists(), reason="the lab's samples are not here")
def test_what_a_real_rspamd_answered() -> None:
    found = rows(SAMPLE.read_bytes())
    assert len(found) == len(json.loads(SAMPLE.read_bytes())["rows"])
    assert all(record.time and record.fields["message-id"] for record in found)


@given(
    st.dictionaries(
        st.sampled_from(sorted(ROW)), st.none() | st.booleans() | st.text(max_size=5) | st.floats()
    ),
    st.binary(max_size=50),
)
def test_members_of_any_type(other: dict[str, object], octets: bytes) -> None:
    parse_line(json.dumps(ROW | other).encode())
    assert parse_line(octets).raw == octets.decode("utf-8", "backslashreplace")
    looks_like(octets)
