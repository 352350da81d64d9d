"""Windows give the lines that a search of the whole text gives, however long the lines are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.tracking import window
from smtpadmin.tracking.lives import Life
from smtpadmin.tracking.log_text import SHIFT, LogText, open_text
from smtpadmin.tracking.postfix_lines import DIALECT
from smtpadmin.tracking.window import downward, look_beside, near_end, upward

FILES = st.lists(
    st.lists(st.sampled_from([b"ID", b"", b"x" * 30, b"a ID b", b"y" * 90 + b"ID"]), max_size=20),
    min_size=1,
    max_size=3,
)


def write(folder: Path, files: list[list[bytes]]) -> tuple[LogText, list[tuple[int, bytes]]]:
    every: list[tuple[int, bytes]] = []
    for number, lines in enumerate(files):
        (folder / str(number)).write_bytes(b"".join(line + b"\n" for line in lines))
        at = 0
        for line in lines:
            every.append((number << SHIFT | at, line))
            at += len(line) + 1
    return open_text([folder / str(number) for number in range(len(files))]), every


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, first=st.integers(4, 60), data=st.data())
def test_both_directions_together_give_every_line_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: list[list[bytes]],
    first: int,
    data: st.DataObject,
) -> None:
    monkeypatch.setattr(window, "FIRST", first)
    text, every = write(tmp_path, files)
    if every:
        place = data.draw(st.sampled_from(every))[0]
        wanted = [line for line in every if b"ID" in line[1]]
        assert list(upward(text, b"ID", place))[::-1] == [
            line for line in wanted if line[0] < place
        ]
        assert list(downward(text, b"ID", place)) == [line for line in wanted if line[0] >= place]
    text.close()


@pytest.mark.parametrize("at", [0, 1, 10, 25, 39])
def test_the_lines_of_a_session_are_found_on_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Whole ones within reach, in the middle of a file and at its ends; no other session's."""
    monkeypatch.setattr(window, "BESIDE", 700)
    session, head = "QCmnL+1dB2sUVQ/Ag+zDdQ", "Mar  1 00:00:00 mx1 dovecot: lmtp(a@b)<1>"
    lines = [f"{head}<{session}{':R2' * (n % 3 == 1)}>: {n:02}".encode() for n in range(40)]
    lines[at] = f"Mar  1 00:00:00 mx1 postfix/lmtp[1]: A1B2C3: (<a@b> {session} Saved)".encode()
    text, every = write(tmp_path, [lines])
    life = Life(b"mx1", b"A1B2C3")
    look_beside(text, DIALECT, life, session.encode(), every[at][0])
    wanted = [(n, every[n]) for n in range(40) if n % 3 != 1 and n != at]
    assert {line for n, line in wanted if abs(n - at) < 7} <= set(life.beside)
    assert set(life.beside) <= {line for _, line in wanted}
    assert len(set(life.beside)) == len(life.beside)
    text.close()


@given(reach=st.integers(0, 400))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_window_ends_where_a_line_starts(tmp_path: Path, reach: int) -> None:
    text, every = write(tmp_path, [[b"12345"] * 20, [b"abc"] * 20])
    end = near_end(text, every[3][0], reach)
    starts = {place for place, _ in every} | {number << SHIFT | 120 for number in (0, 1)}
    assert end is None or end in starts | {1 << SHIFT | 80}
    text.close()


def test_reaching_back_stops_after_so_many_octets(tmp_path: Path) -> None:
    text, every = write(tmp_path, [[b"ID"] + [b"x" * 1000] * 500 + [b"end"]])
    assert not list(upward(text, b"ID", every[-1][0], 64 * 1024))
    assert list(upward(text, b"ID", every[-1][0])) == [every[0]]
    text.close()
