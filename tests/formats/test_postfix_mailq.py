from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.postfix_mailq import parse
from smtpadmin.formats.postfix_queue import EntryParser
from smtpadmin.model.queue import QueueEntry

SAMPLES = Path(__file__).parents[3] / "shared/lab/samples"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LISTING = """\
-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------
A1B2C3D4E5!   1902 Wed Aug 26 11:20:31  MAILER-DAEMON
                                         held@example.org

3071122695A*    2855 Mon Nov 23 14:53:01  root
                                         "a b"@example.org
                                         (c@example.org

4jY8f451xHzSFmj#  387 Mon Nov 23 15:30:46  alice@lab.test
(host mx.example.org[192.0.2.9] said: 450 4.2.0 later (in reply
to RCPT TO command))
                                         u1@down.test
                                         u2@down.test
             (connect to x[192.0.2.1]:25: Connection refused)
                                         u3@down.test

-- 4 Kbytes in 3 Requests.
"""


def read(text: str, now: datetime = NOW) -> tuple[list[QueueEntry], list[str]]:
    told: list[str] = []
    return list(parse(text.encode().split(b"\n"), now, told.append)), told


def test_a_listing() -> None:
    entries, told = read(LISTING.replace("(c@example", "c@example"))
    assert told == []
    held, active, expiring = entries
    assert (held.queue_id, held.queue, held.size, held.sender) == ("A1B2C3D4E5", "hold", 1902, "")
    assert held.arrived == datetime(2026, 8, 26, 11, 20, 31, tzinfo=UTC)
    assert (active.queue, active.sender) == ("active", "root")
    assert [r.address for r in active.recipients] == ['"a b"@example.org', "c@example.org"]
    assert (expiring.queue_id, expiring.queue) == ("4jY8f451xHzSFmj", "deferred")
    assert expiring.flags == ("forced-expire",)


def test_a_reason_is_for_the_recipients_below_it_and_may_go_over_lines() -> None:
    entry = read(LISTING)[0][-1]
    said = "host mx.example.org[192.0.2.9] said: 450 4.2.0 later (in reply to RCPT TO command)"
    assert [(r.address, r.reason) for r in entry.recipients] == [
        ("u1@down.test", said),
        ("u2@down.test", said),
        ("u3@down.test", "connect to x[192.0.2.1]:25: Connection refused"),
    ]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["(said: 450 (queue) full)"], "said: 450 (queue) full"),
        (["(said: 450 :) later)"], "said: 450 :) later"),
        (["(said: 450 :( later)"], "said: 450 :( later"),
        (["(said: 450 no (really)", "   not now)"], "said: 450 no (really) not now"),
        (["(said: 450 :( no", "not now)"], "said: 450 :( no not now"),
    ],
)
def test_brackets_in_reasons(lines: list[str], reason: str) -> None:
    head = "A1B2C3D4E5 1 Mon Nov 23 14:53:01 a@b"
    text = "\n".join(
        [head, *lines, "    r@x.org", "(other)", "  s@x.org", "", "-- 1 Kbytes in 1 Request."]
    )
    ((entry,), told) = read(text)
    assert told == []
    assert [(r.address, r.reason) for r in entry.recipients] == [
        ("r@x.org", reason), ("s@x.org", "other"),
    ]  # fmt: skip


def test_a_bracket_that_never_closes_costs_nothing_but_itself() -> None:
    entries, told = read(LISTING)
    assert len(entries) == 3
    assert told == ["the reason of 3071122695A does not end"]


@pytest.mark.parametrize(
    ("stamp", "now", "year"),
    [
        ("Mon Nov 23 14:53:01", NOW, 2026),
        ("Thu Dec 31 23:59:59", datetime(2027, 1, 1, 0, 5, tzinfo=UTC), 2026),
        ("Fri Jan  1 00:00:02", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), 2027),
        ("Sun Nov 23 14:53:01", NOW, 2025),
        ("Thu Feb 29 10:00:00", NOW, 2024),
        ("Thu Dec 24 10:00:00", NOW, 2020),
    ],
)
def test_the_year_comes_from_now_and_the_weekday(stamp: str, now: datetime, year: int) -> None:
    ((entry,), _) = read(f"A1B2C3D4E5 1 {stamp} a@b\n r@b\n\n-- 1 Kbytes in 1 Request.", now)
    assert entry.arrived is not None
    assert entry.arrived.year == year


def test_a_date_that_never_was_is_not_known() -> None:
    ((entry,), _) = read("A1B2C3D4E5 1 Mon Feb 30 10:00:00 a@b\n r@b\n\n")
    assert entry.arrived is None


def test_the_clock_is_that_of_now() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=3)))
    ((entry,), _) = read("A1B2C3D4E5 1 Mon Nov 23 14:53:01 a@b\n r@b\n\n", there)
    assert entry.arrived == datetime(2026, 11, 23, 11, 53, 1, tzinfo=UTC)


def test_an_empty_queue_an_error_and_a_listing_that_breaks_off() -> None:
    assert read("Mail queue is empty\n") == ([], [])
    said = "postqueue: fatal: open /etc/postfix/main.cf: No such file or directory"
    assert read(said) == ([], [said])
    entries, told = read("\n".join(LISTING.split("\n")[:3]))
    assert len(entries) == 1
    assert told == ["the listing breaks off: its last line is missing"]
    cut = LISTING.split("\n")
    del cut[1:4]
    assert read("\n".join(cut))[1][-1] == "the listing holds 2 of 3 messages"


def test_the_same_queue_in_both_listings() -> None:
    new, old = (SAMPLES / f"postfix-postqueue-{n}" for n in ("j.jsonl", "p.txt"))
    if not new.exists():
        pytest.skip(f"{new} is not there")
    by_id = {e.queue_id: e for e in map(EntryParser().entry, new.read_bytes().splitlines())}
    entries, told = read(old.read_text())
    assert told == []
    assert len(entries) == len(by_id)
    for entry in entries:
        other = by_id[entry.queue_id]
        assert entry.identity == other.identity
        assert entry.recipients == other.recipients, json.dumps(entry.queue_id)
        assert entry.queue == other.queue


@given(st.lists(st.sampled_from([*LISTING.split("\n"), "(", ")", "", "x"]), max_size=30))
def test_any_order_of_lines_is_read(lines: list[str]) -> None:
    entries, _ = read("\n".join(lines))
    heads = sum("1902 Wed" in line or " Mon Nov" in line for line in lines)
    assert len(entries) == heads


def test_no_line_takes_long() -> None:
    began = time.monotonic()
    read("\n".join(["A1B2C3D4E5 1 Mon Nov 23 14:53:01 a@b", *["(" * 50_000] * 20]))
    for hostile in ("@" * 50_000 + " x", '"' * 50_001, '"a' * 30_000 + "@ x", "(" * 50_000 + ")"):
        read("\n".join(["A1B2C3D4E5 1 Mon Nov 23 14:53:01 a@b", "(a (b)", *[hostile] * 20]))
    read("A" * 1_000_000 + "!" * 100_000 + " " * 1_000_000)
    assert time.monotonic() - began < 2
