from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.opensmtpd_queue import looks_like, parse, parse_line
from smtpadmin.model.queue import QueueEntry

SAMPLES = Path(__file__).parents[3] / "shared/lab/samples"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LINE = (
    "0f24f7faa188190b|inet4|mta|hold|carol@lab.test|u@a.test|v@b.test|1795447159|1795792759|0|2"
    "|pending|1070|450 4.3.0 Error: a|b"
)


def read(data: bytes) -> tuple[list[QueueEntry], list[str]]:
    told: list[str] = []
    return list(parse(data.split(b"\n"), NOW, told.append)), told


def test_an_envelope_whose_error_holds_the_separator() -> None:
    entry = parse_line(LINE, now=NOW)
    assert entry is not None
    assert (entry.queue_id, entry.sender, entry.queue) == (
        "0f24f7faa188190b",
        "carol@lab.test",
        "hold",
    )
    assert entry.recipients[0].address == "v@b.test"
    assert entry.reason == "450 4.3.0 Error: a|b"
    assert entry.arrived == datetime.fromtimestamp(1_795_447_159, UTC)
    assert entry.expires == datetime.fromtimestamp(1_795_792_759, UTC)
    assert entry.next_try == NOW + timedelta(seconds=1070)
    assert (entry.tries, entry.size) == (2, None)
    assert entry.flags == ("mta", "inet4", "pending", "hold")


def test_the_null_sender_and_an_envelope_in_delivery() -> None:
    line = LINE.replace("|hold|carol@lab.test|", "|||").replace("pending", "inflight")
    entry = parse_line(line, now=NOW)
    assert entry is not None
    assert (entry.sender, entry.queue, entry.next_try) == ("", "active", None)


@pytest.mark.parametrize(("name", "most"), [("opensmtpd-show-queue.txt", 60), ("opensmtpd-smtpctl.txt", 400)])  # fmt: skip
def test_real_listings(name: str, most: int) -> None:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    data = path.read_bytes()
    entries, told = read(data)
    assert len(entries) + len(told) == sum(bool(line.strip()) for line in data.split(b"\n"))
    assert 20 < len(entries) < most
    assert looks_like(data.split(b"\n")[:50])
    assert all(e.arrived and e.sender == "carol@lab.test" for e in entries if e.queue != "bounce")


def test_an_error_is_no_empty_queue() -> None:
    said = b"smtpctl: need root privileges\n"
    assert read(said) == ([], ["smtpctl: need root privileges"])
    assert looks_like([said])
    assert read(b"") == ([], [])


@given(st.lists(st.binary(max_size=120), max_size=20))
def test_every_line_is_an_entry_or_told(lines: list[bytes]) -> None:
    told: list[str] = []
    entries = list(parse(lines, NOW, told.append))
    blank = sum(not line.decode("utf-8", "backslashreplace").strip() for line in lines)
    assert len(entries) + len(told) + blank == len(lines)


@given(st.lists(st.text(st.characters(blacklist_characters="|\n\r"), max_size=8), min_size=10, max_size=10))  # fmt: skip
def test_any_field_is_taken(fields: list[str]) -> None:
    line = "|".join(["0f24f7faa188190b", fields[0], "mta", *fields[1:], "pending", "x"])
    found = parse_line(line, now=NOW)
    assert found is None or found.queue_id == "0f24f7faa188190b"


def test_a_line_of_megabytes_takes_no_time() -> None:
    began = time.perf_counter()
    read(LINE.encode() + b"x|" * 3_000_000 + b"\n" + b"|" * 5_000_000)
    assert time.perf_counter() - began < 1
