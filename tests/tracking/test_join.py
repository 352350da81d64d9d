"""Reading every line gives each message once, and holds only the open ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.make_log import World, write
from smtpadmin.tracking import join as joining
from smtpadmin.tracking.join import join
from smtpadmin.tracking.log_text import open_text
from smtpadmin.tracking.postfix_lines import DIALECT, own


@pytest.mark.parametrize("linger", [20_000, 1 << 30])
def test_each_line_of_an_id_is_given_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linger: int
) -> None:
    path = tmp_path / "log"
    write(path, World(3, gap=1.0), 8000)
    monkeypatch.setattr(joining, "LINGER", linger)
    text = open_text([path])
    places = [place for lives in join(text, DIALECT) for life in lives for place, _ in life.lines]
    with_id = sum(own(line) is not None for line in path.read_bytes().split(b"\n"))
    assert len(places) == len(set(places)) == with_id
    text.close()


def test_messages_are_given_away_before_the_log_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    write(path, World(3, gap=1.0, weights={"remote": 1}), 6000)
    monkeypatch.setattr(joining, "LINGER", 1000)
    reads: list[int] = []
    blocks = joining.whole_lines

    def small(*args: object) -> object:
        for block in blocks(*args, size=10_000):  # type: ignore[arg-type]
            reads.append(1)
            yield block

    monkeypatch.setattr(joining, "whole_lines", small)
    text = open_text([path])
    first = next(iter(join(text, DIALECT)))
    assert len(first) == 1
    assert len(reads) < 5
    text.close()


def test_a_life_that_began_before_the_start_is_completed_backwards(tmp_path: Path) -> None:
    path = tmp_path / "log"
    write(path, World(3, gap=1.0, weights={"retried": 1}), 3000)
    raw = path.read_bytes()
    start = raw.index(b"\n", len(raw) // 2) + 1
    text = open_text([path])
    from_there = [lives for lives in join(text, DIALECT, start) if lives[0].first < start]
    assert from_there
    assert all(b"client=" in lives[0].lines[0][1] for lives in from_there)
    text.close()
