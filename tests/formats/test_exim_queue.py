"""Exim's listing, as 4.96 printed it, as 4.97 would, and as nobody should have written it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.exim_id import BASE_36, arrival_of
from smtpadmin.formats.exim_queue import EximQueueReader, looks_like, parse, size_of
from smtpadmin.model.queue import QueueEntry

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SAMPLES = Path(__file__).parents[3] / "shared/lab/samples"
DATA = Path(__file__).parents[1] / "data/exim/4.97"


def read(text: str | bytes) -> tuple[list[QueueEntry], list[str]]:
    told: list[str] = []
    raw = text if isinstance(text, bytes) else text.encode()
    return list(parse(raw.split(b"\n"), NOW, told.append)), told


def test_ids_of_both_lengths_frozen_delivered_children_and_logins() -> None:
    entries, told = read((DATA / "bp.txt").read_bytes())
    assert told == []
    new, frozen, local = entries
    assert new.queue_id == "1rABcd-00000001abC-2dEf"
    assert new.arrived == frozen.arrived == arrival_of("1rABcd-000DEF-99")
    assert (new.size, new.sender, new.queue) == (10_240, "carol@example.org", "deferred")
    assert (frozen.sender, frozen.frozen, frozen.queue) == ("", True, "frozen")
    assert [(r.address, r.delivered) for r in frozen.recipients] == [
        ("a@example.net", True),
        ("b@example.net", False),
        ("child@example.net", True),
    ]
    assert (local.sender, local.flags, local.size) == ("root@example.org", ("login:root",), 0)
    assert local.recipients[0].address == '"a b"@example.net'


@pytest.mark.parametrize(
    ("line", "sender", "login", "frozen"),
    [
        (" 4d  1.2K 1rABcd-000DEF-99 <> *** frozen ***", "", "", True),
        ("4d 1.2K 1rABcd-000DEF-99 <a@b.example> (carol)", "a@b.example", "carol", False),
        ("4d\t1.2K\t1rABcd-000DEF-99\t<a@b.example> (carol) *** frozen ***", "a@b.example", "carol", True),
        (' 0m   306 1rABcd-000DEF-99 <"x> *** frozen ***"@e.example>', '"x> *** frozen ***"@e.example', "", False),
        (' 0m   306 1rABcd-000DEF-99 <"x> (y)"@e.example> (z)', '"x> (y)"@e.example', "z", False),
        (" 0m       1rABcd-000DEF-99 <a@b.example>", "a@b.example", "", False),
        ("91h   10M 1rABcd-000DEF-99 <root>", "root", "", False),
        (" 0m   306 1rABcd-000DEF-99 <\xfc@b.example>", "\xfc@b.example", "", False),
    ],
)  # fmt: skip
def test_a_head_line(line: str, sender: str, login: str, frozen: bool) -> None:
    ((entry,), told) = read(line)
    assert told == []
    assert (entry.sender, entry.frozen) == (sender, frozen)
    assert entry.flags == ((f"login:{login}",) if login else ())


@pytest.mark.parametrize("indent", ["        ", "\t", " "])
def test_recipients_however_they_are_indented(indent: str) -> None:
    text = (
        f" 0m   306 1rABcd-000DEF-99 <a@b.example>\n{indent}D c@d.example\n{indent}  D@d.example\n"
    )
    ((entry,), _) = read(text)
    assert [(r.address, r.delivered) for r in entry.recipients] == [
        ("c@d.example", True),
        ("D@d.example", False),
    ]


def test_spool_files_that_exim_cannot_read() -> None:
    entries, told = read(
        " 0m   306 1rABcd-000DEF-99 <a@b.example>\n    *** spool format error: size=12 *** *** frozen ***\n"
        "          c@d.example\n\n"
        "      1rABcd-000DEF-98\n    *** spool read error: No such file or directory ***\n\n"
        " 3d   400 1rABcd-000DEF-97\n    *** spool format error ***\n\n"
    )
    assert told == []
    bad, gone, other = entries
    assert (bad.queue, bad.frozen, bad.flags) == ("corrupt", True, ("spool format error: size=12",))
    assert bad.recipients[0].address == "c@d.example"
    assert (gone.queue, gone.size) == ("corrupt", None)
    assert gone.flags == ("spool read error: No such file or directory",)
    assert gone.arrived is not None
    assert (other.queue_id, other.size) == ("1rABcd-000DEF-97", 400)


def test_a_listing_without_blank_lines_and_one_that_is_cut() -> None:
    entries, _ = read(
        " 0m   306 1rABcd-000DEF-99 <a@b.example>\n          c@d.example\n"
        " 0m   307 1rABcd-000DEF-98 <>\n          e@d.exam"
    )
    assert [(e.queue_id, len(e.recipients)) for e in entries] == [
        ("1rABcd-000DEF-99", 1),
        ("1rABcd-000DEF-98", 1),
    ]


def test_an_error_is_no_empty_queue() -> None:
    assert read("exim: permission denied\n") == ([], ["exim: permission denied"])
    assert read("") == ([], [])
    assert looks_like([b"exim: permission denied"])
    entries, told = read("hello\n 0m   306 1rABcd-000DEF-99 <>\n          c@d.example\n\nworld\n")
    assert len(entries) == 1
    assert told == [
        "line 1 is no part of a listing: hello",
        "line 5 is no part of a listing: world",
    ]


def test_base_36() -> None:
    told: list[str] = []
    line = b" 0m   306 T5C6F0-000001-00 <>"
    (entry,) = parse([line], NOW, told.append, base=BASE_36)
    assert entry.arrived == arrival_of("T5C6F0-000001-00", BASE_36)


def test_sizes() -> None:
    assert [size_of(text) for text in ("", None, "0", "417", "1.4K", "10K", "1.5M", "2G")] == [
        None, None, 0, 417, 1_434, 10_240, 1_572_864, 2_147_483_648,
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "count"), [("exim-bp.txt", 126), ("exim-bpr.txt", 6)])
def test_real_listings(name: str, count: int) -> None:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    entries, told = read(path.read_bytes())
    assert told == []
    assert len(entries) == path.read_bytes().count(b"\n\n")
    assert len(entries) in (count, path.read_bytes().count(b"\n\n"))
    assert all(e.arrived and e.arrived.year == 2026 and e.size and e.recipients for e in entries)
    assert any(r.delivered for e in entries for r in e.recipients) or count == 6
    assert looks_like(path.read_bytes().split(b"\n")[:50])


_word = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Z")), min_size=1, max_size=20)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[0-9A-Za-z]{6}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}", fullmatch=True),
            _word, st.booleans(), st.lists(st.tuples(_word, st.booleans()), max_size=4),
        ),
        max_size=5, unique_by=lambda message: message[0],
    )
)  # fmt: skip
def test_nothing_of_a_listing_is_lost(messages: list[tuple[str, str, bool, list[tuple[str, bool]]]]) -> None:  # fmt: skip
    text = ""
    for queue_id, sender, frozen, recipients in messages:
        text += f" 3h  1.4K {queue_id} <{sender}@x>{' *** frozen ***' if frozen else ''}\n"
        text += "".join(f"        {'D' if done else ' '} {a}@x\n" for a, done in recipients) + "\n"
    entries, told = read(text)
    assert told == []
    assert [
        (e.queue_id, e.sender, e.frozen, [(r.address, r.delivered) for r in e.recipients])
        for e in entries
    ] == [(i, f"{s}@x", f, [(f"{a}@x", d) for a, d in rs]) for i, s, f, rs in messages]


@given(st.lists(st.binary(max_size=120), max_size=20))
def test_any_line_is_read_or_told(lines: list[bytes]) -> None:
    told: list[str] = []
    reader = EximQueueReader(told.append)
    for line in lines:
        reader.feed(line)
    reader.finish()


@pytest.mark.parametrize("piece", [b" ", b"1", b"*** spool ", b"<", b"A-", b" 1m"])
def test_a_line_of_megabytes_takes_no_time(piece: bytes) -> None:
    began = time.perf_counter()
    read(b" 0m 306 1rABcd-000DEF-99 <>\n  " + piece * (5_000_000 // len(piece)))
    read(piece * (5_000_000 // len(piece)))
    assert time.perf_counter() - began < 2


def blocks(name: str) -> dict[str, bytes]:
    """What each recorded command printed on standard output."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    found = {}
    for block in path.read_bytes().split(b"\n$ ")[0:]:
        command, _, rest = block.removeprefix(b"$ ").partition(b"\n")
        output = rest.partition(b"--- stdout\n")[2].partition(b"--- ")[0]
        found[command.decode()] = output
    return found


def test_every_recorded_view_of_a_queue() -> None:
    listings = {c: out for c, out in blocks("exim-queue.txt").items() if out.count(b"\n") > 1}
    assert any("-bpu" in command for command in listings)
    for command, output in listings.items():
        entries, told = read(output)
        if "-bp" in command:
            assert told == [], command
            assert len(entries) == len(re.findall(rb"(?m)^ ?\d+[mhd] ", output)), command
        if "-bpu" in command:
            assert not any(r.delivered for e in entries for r in e.recipients)
