"""What is kept, and what must go."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.catch import CaughtMessage, CaughtSession, CaughtTls
from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.services.catch_store import (
    OVERHEAD,
    CatchStore,
    StoreLimits,
    message_record,
    save_message,
    save_session,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def message(identity: str, size: int = 10, session: str = "s1") -> CaughtMessage:
    return CaughtMessage(identity, session, NOW, "a@x", ("b@y",), b"x" * size)


def session(identity: str, *lines: str) -> CaughtSession:
    return CaughtSession(
        identity, NOW, NOW, "192.0.2.1",
        transcript=tuple(TranscriptLine(1.5, ">", line, True) for line in lines),
    )  # fmt: skip


def test_the_oldest_go_by_number() -> None:
    store = CatchStore(StoreLimits(messages=2))
    assert [store.add(message(f"m{n}")) for n in range(4)] == [(), (), ("m0",), ("m1",)]
    assert [m.message_id for m in store] == ["m2", "m3"]
    assert store.dropped == 2


def test_the_oldest_go_by_octets_and_sessions_before_messages() -> None:
    store = CatchStore(StoreLimits(octets=4 * OVERHEAD + 10_000))
    store.add_session(session("s1"))
    store.add_session(session("s2"))
    assert store.add(message("m1", 8_000)) == ()
    assert store.add(message("m2", 1_000)) == ()
    assert len(store.sessions()) == 2
    assert store.add(message("m3", 2_000)) == ()
    assert store.sessions() == ()
    assert store.add(message("m4", 8_000)) == ("m1",)


def test_one_that_is_bigger_than_everything_is_not_kept() -> None:
    store = CatchStore(StoreLimits(octets=10_000))
    assert store.add(message("m1", 20_000)) == ("m1",)
    assert store.octets == 0


@given(st.lists(st.tuples(st.sampled_from("mMsr"), st.integers(0, 9), st.integers(0, 9_000))))
def test_the_count_of_octets_is_always_right(steps: list[tuple[str, int, int]]) -> None:
    store = CatchStore(StoreLimits(messages=5, sessions=3, octets=30_000))
    for number, (kind, which, size) in enumerate(steps):
        if kind in "mM":
            store.add(message(f"m{number}", size))
        elif kind == "s":
            store.add_session(session(f"s{number}", "x" * size))
        elif len(store) > which:
            store.remove([m.message_id for m in store][which])
        assert store.octets <= 30_000
        assert len(store) <= 5
        assert len(store.sessions()) <= 3
    for kept in store:
        store.remove(kept.message_id)
    sessions = store.sessions()
    assert (store.octets == 0) == (not sessions)
    store.clear()
    assert (store.octets, len(store)) == (0, 0)


def test_a_message_finds_its_session() -> None:
    store = CatchStore()
    store.add(message("m1", session="s2"))
    assert store.session_of(store.message("m1")) is None
    store.add_session(session("s2", "NOOP"))
    found = store.session_of(store.message("m1"))
    assert found is not None
    assert found.transcript[0].line == "NOOP"
    with pytest.raises(UsageError):
        store.message("m9")


def test_files_hold_the_octets_and_the_envelope(tmp_path: Path) -> None:
    raw = b"Subject: x\r\n\r\n\xff\0\r\n"
    tls = CaughtTls("TLSv1.3", "AES", 256)
    saved = CaughtMessage("m1", "s1", NOW, "", ("b@ü",), raw, tls=tls, subject="x\udcff")
    path = save_message(tmp_path, saved)
    assert path.name == "20260301T120000-m1.eml"
    assert path.read_bytes() == raw
    assert path.stat().st_mode & 0o777 == 0o600
    facts = json.loads(path.with_suffix(".json").read_bytes())
    assert facts["kind"] == "message"
    assert facts["sender"] == ""
    assert facts["recipients"] == ["b@ü"]
    assert facts["tls"] == {"version": "TLSv1.3", "cipher": "AES", "bits": 256}
    assert facts["size"] == len(raw)
    log = json.loads(save_session(tmp_path, session("s1", "NOOP")).read_bytes())
    assert log["transcript"] == [{"t_ms": 1.5, "dir": ">", "tls": True, "line": "NOOP"}]


def test_a_record_is_json_and_has_no_octets() -> None:
    assert "raw" not in json.loads(json.dumps(message_record(message("m1"))))
