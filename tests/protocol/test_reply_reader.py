"""Replies come out whole however they are cut, and a flood ends."""

from __future__ import annotations

import doctest
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.smtp_reply import parse_reply
from smtpadmin.model.errors import ProtocolError
from smtpadmin.protocol import reply_reader
from smtpadmin.protocol.reply_reader import MOST_LINES, MOST_REPLY, ReplyReader


def test_the_example() -> None:
    assert doctest.testmod(reply_reader).failed == 0


@given(
    st.lists(st.lists(st.from_regex(r"[ -~]{0,20}", fullmatch=True), min_size=1, max_size=4)),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_however_it_is_cut(texts: list[list[str]], cuts: list[int]) -> None:
    wire, wanted = b"", []
    for lines in texts:
        raw = [f"250-{line}".encode() for line in lines[:-1]] + [f"250 {lines[-1]}".encode()]
        wire += b"".join(line + b"\r\n" for line in raw)
        wanted.append(parse_reply(raw))
    reader, found, start, turn = ReplyReader(), [], 0, 0
    while start < len(wire):
        step = cuts[turn % len(cuts)]
        found += list(reader.feed(wire[start : start + step]))
        start, turn = start + step, turn + 1
    assert found == wanted
    assert not reader.halfway


@given(st.binary(max_size=200))
def test_any_octets_give_replies_or_a_protocol_error(octets: bytes) -> None:
    reader = ReplyReader()
    try:
        found = list(reader.feed(octets))
    except ProtocolError:
        return
    assert len(found) <= octets.count(b"\r\n")


def test_what_stands_before_nonsense_still_counts() -> None:
    replies = ReplyReader().feed(b"250 ok\r\nnonsense\r\n")
    assert next(replies).code == 250
    with pytest.raises(ProtocolError, match="no SMTP reply"):
        next(replies)


@pytest.mark.parametrize(
    "flood", [b"x" * (MOST_REPLY + 1), b"250-a\r\n" * MOST_LINES], ids=["octets", "lines"]
)
def test_a_flood_ends(flood: bytes) -> None:
    with pytest.raises(ProtocolError, match="too long"):
        list(ReplyReader().feed(flood))


def test_the_limit_counts_one_reply_not_the_session() -> None:
    reader = ReplyReader()
    for _ in range(MOST_REPLY // 100):
        assert len(list(reader.feed(b"250 " + b"x" * 400 + b"\r\n"))) == 1


def test_octet_by_octet_is_not_quadratic() -> None:
    line = b"250-" + b"x" * 500 + b"\r\n"
    wire = line * 120 + b"250 end\r\n"
    reader, started, found = ReplyReader(), time.perf_counter(), 0
    for position in range(len(wire)):
        found += len(list(reader.feed(wire[position : position + 1])))
    assert found == 1
    assert time.perf_counter() - started < 2.0


def test_drop_forgets_what_was_begun() -> None:
    reader = ReplyReader()
    list(reader.feed(b"250-a\r\n25"))
    assert reader.halfway
    assert reader.drop() == 7
    assert not reader.halfway
    assert next(iter(reader.feed(b"221 bye\r\n"))).code == 221
