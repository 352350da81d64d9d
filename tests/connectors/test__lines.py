from __future__ import annotations

from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.connectors._lines import MOST_LINE, whole_lines


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def lines_of(*pieces: bytes) -> list[bytes]:
    return [line async for lines in whole_lines(chunks(*pieces)) for line in lines]


async def test_lines_are_whole_wherever_the_chunks_are_cut() -> None:
    assert await lines_of(b"a", b"b\nc", b"\n\nd") == [b"ab", b"c", b"", b"d"]
    assert await lines_of() == []
    assert await lines_of(b"a\n") == [b"a"]


async def test_a_line_without_end_does_not_grow_without_end() -> None:
    lines = await lines_of(*[b"x" * 300_000] * 10, b"\ny\n")
    assert max(map(len, lines)) <= MOST_LINE
    assert b"".join(lines) == b"x" * 3_000_000 + b"y"


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
async def test_nothing_is_lost(data: bytes, cuts: list[int]) -> None:
    places = sorted(min(cut, len(data)) for cut in cuts)
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    whole = data.split(b"\n")
    assert await lines_of(*pieces) == (whole if whole[-1] else whole[:-1])
