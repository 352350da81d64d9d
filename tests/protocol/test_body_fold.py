"""A body is folded at the same place however it arrives, and every octet is counted."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.protocol.body_fold import MOST_BODY_LINES, MOST_OCTETS, BodyFold, show_headers


def fold(chunks: list[bytes]) -> tuple[list[bytes], list[str], bytes | None]:
    """Lines shown, notes, and what followed the end (None: it did not come)."""
    lines: list[bytes] = []
    notes: list[str] = []
    folded = BodyFold(lines.append, notes.append)
    after = None
    for number, chunk in enumerate(chunks):
        after = folded.feed(chunk)
        if after is not None:
            return lines, notes, after + b"".join(chunks[number + 1 :])
    folded.end()
    return lines, notes, after


def pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(octets), *(cut % (len(octets) + 1) for cut in cuts)})
    return [octets[a:b] for a, b in itertools.pairwise(places)] or [b""]


bodies = st.lists(st.sampled_from([b"x", b"", b"..", b". ", b"\r", b"long " * 10]), max_size=300)


@given(bodies, st.lists(st.integers(0, 100_000), max_size=8))
def test_chunks_make_no_difference(lines: list[bytes], cuts: list[int]) -> None:
    body = b"".join(line + b"\r\n" for line in lines)
    octets = body + b".\r\nQUIT\r\n"
    whole = fold([octets])
    assert fold(pieces(octets, cuts)) == whole
    shown, notes, after = whole
    assert after == b"QUIT\r\n"
    assert shown[-1] == b"."
    hidden = len(lines) - (len(shown) - 1)
    assert shown[:-1] == lines[: len(shown) - 1]
    assert notes == ([f"({hidden} more lines; {len(body)} octets in all)"] if hidden else [])
    assert bool(hidden) == (len(lines) > MOST_BODY_LINES)


def test_an_empty_body_and_one_that_fits_exactly() -> None:
    assert fold([b".\r\n"]) == ([b"."], [], b"")
    exact = b"x\r\n" * MOST_BODY_LINES
    shown, notes, after = fold([exact + b".\r\n"])
    assert (len(shown), notes, after) == (MOST_BODY_LINES + 1, [], b"")


def test_one_line_without_end_is_folded_too() -> None:
    shown, notes, _ = fold([b"x" * (3 * MOST_OCTETS), b"y" * 10 + b"\r\n.\r\n"])
    assert len(shown) == 2
    assert notes == [f"(1 more lines; {3 * MOST_OCTETS + 12} octets in all)"]


def test_a_session_that_breaks_off_says_how_much_was_sent() -> None:
    shown, notes, after = fold([b"x\r\n" * (MOST_BODY_LINES + 7)])
    assert after is None
    assert len(shown) == MOST_BODY_LINES
    assert notes == [f"(7 more lines; {3 * (MOST_BODY_LINES + 7)} octets in all)"]
    assert fold([b"half a li"])[0] == [b"half a li"]


def test_a_message_with_no_text_to_show() -> None:
    shown: list[bytes] = []
    notes: list[str] = []
    show_headers(b"A: 1\r\nB: 2\r\n\r\nnot this\r\n.\r\n", shown.append, notes.append)
    assert shown == [b"A: 1", b"B: 2", b"."]
    assert len(notes) == 1
    assert notes[0].startswith("(17 octets are not shown; the SHA-256 of all 27 is ")
    show_headers(b"no headers at all", shown.append, notes.append)
    assert shown == [b"A: 1", b"B: 2", b"."]
