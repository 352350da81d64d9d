from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.sendmail_queue import looks_like, parse
from smtpadmin.model.queue import QueueEntry

SAMPLES = Path(__file__).parents[3] / "shared/lab/samples"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LISTING = """\
MSP Queue status...
/var/spool/mqueue-client is empty
\t\tTotal requests: 0
MTA Queue status...
\t\t/var/spool/mqueue (5 requests, only 4 printed)
-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
u9Q36LgF014458*     469 Mon Oct 26 11:08 <root@example.org>
\t\t\t\t\t <a@example.net>
u9Q36LgF014459-    1369 Wed Nov 25 11:59 MAILER-DAEMON
      8BITMIME   (Deferred: 450 4.2.0 later (see http://x.example/
                 more))
\t\t\t\t\t <b@example.net>
\t\t\t\t\t <"c d"@example.net>
                 (host map: lookup (e.example): deferred)
\t\t\t\t\t e@example.net
u9Q36LgF014460X  (no control file)
u9Q36LgF014461?       0 Fri Dec 25 00:00
\t\tTotal requests: 7
"""


def read(text: str | bytes, now: datetime = NOW) -> tuple[list[QueueEntry], list[str]]:
    told: list[str] = []
    raw = text if isinstance(text, bytes) else text.encode()
    return list(parse(raw.split(b"\n"), now, told.append)), told


def test_two_queues_marks_reasons_and_odd_entries() -> None:
    entries, told = read(LISTING)
    assert told == []
    locked, deferred, lost, old = entries
    assert (locked.queue_id, locked.queue, locked.flags) == (
        "u9Q36LgF014458",
        "active",
        ("locked",),
    )
    assert (locked.sender, locked.size) == ("root@example.org", 469)
    assert locked.arrived == datetime(2026, 10, 26, 11, 8, tzinfo=UTC)
    assert locked.recipients[0].reason is None
    assert (deferred.sender, deferred.queue) == ("", "deferred")
    assert deferred.flags == ("load-too-high", "8BITMIME")
    assert [(r.address, r.reason) for r in deferred.recipients] == [
        ("b@example.net", "Deferred: 450 4.2.0 later (see http://x.example/ more)"),
        ('"c d"@example.net', "Deferred: 450 4.2.0 later (see http://x.example/ more)"),
        ("e@example.net", "host map: lookup (e.example): deferred"),
    ]
    assert (lost.flags, lost.size, lost.arrived) == (
        ("load-too-high", "no control file"),
        None,
        None,
    )
    assert old.arrived == datetime(2020, 12, 25, tzinfo=UTC), "the last 25 December on a Friday"


def test_an_error_is_no_empty_queue() -> None:
    assert read("/var/spool/mqueue is empty\n\t\tTotal requests: 0\n") == ([], [])
    assert read("") == ([], ["nothing is in it, not even that the queue is empty"])
    entries, told = read("mailq: can not chdir(/var/spool/mqueue/): Permission denied\nhello\n")
    assert entries == []
    assert told == [
        "mailq: can not chdir(/var/spool/mqueue/): Permission denied",
        "line 2 is no part of a listing: hello",
    ]


def test_a_real_listing() -> None:
    path = SAMPLES / "sendmail-mailq.txt"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    entries, told = read(path.read_bytes())
    assert told == []
    assert len(entries) == 14
    assert {e.sender for e in entries} == {"", "carol@lab.test"}
    assert all(e.recipients and e.reason and e.arrived for e in entries)
    assert looks_like(path.read_bytes().split(b"\n")[:50])


def test_it_is_not_mistaken_for_another() -> None:
    assert not looks_like([b"-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"])
    assert not looks_like([b"A1B2C3D4E5!   1902 Wed Aug 26 11:20:31  MAILER-DAEMON"])
    assert not looks_like([b" 0m   306 1rABcd-000DEF-99 <a@b.example>"])


@given(st.lists(st.binary(max_size=120), max_size=20))
def test_any_line_is_read(lines: list[bytes]) -> None:
    looks_like(lines)
    head = b"u9Q36LgF014458*  469 Wed Oct 26 11:08 <root@example.org>"
    entries = list(parse([head, *lines], NOW, lambda _: None))
    assert entries[0].queue_id == "u9Q36LgF014458"


@pytest.mark.parametrize("piece", [b" ", b"(", b")", b"1", b"u9Q36LgF014458 ", b"-"])
def test_a_line_of_megabytes_takes_no_time(piece: bytes) -> None:
    began = time.perf_counter()
    read(b"u9Q36LgF014458*  469 Wed Oct 26 11:08 <root@x>\n   " + piece * (4_000_000 // len(piece)))
    read(b"u9Q36LgF014458*  469 Wed Oct 26 11:08 <root@x>\n" + b"   (x\n" * 20_000)
    assert time.perf_counter() - began < 3
