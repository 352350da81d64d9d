"""Reading every line gives each message once, and holds only the open ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.make_log import World, write
from smtpadmin.tracking import join as joining
from smtpadmin.tracking.join import join
from smtpadmin.tracking.lives import Life
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


@pytest.mark.parametrize("linger", [20_000, 1 << 30])
def test_each_line_of_a_named_session_is_given_once_to_who_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linger: int
) -> None:
    path = tmp_path / "log"
    world = World(3, gap=1.0, weights={"sieve_parted": 1, "sieve_copied": 1, "remote": 3})
    write(path, world, 6000)
    monkeypatch.setattr(joining, "LINGER", linger)
    text = open_text([path])
    found = [
        (life.queue_id.decode(), line.decode())
        for lives in join(text, DIALECT)
        for life in lives
        for _, line in life.beside
    ]
    truths = [
        (truth.queue_ids[0], line)
        for truth in world.truths
        for line in truth.lines
        if "dovecot: " in line
    ]
    assert sorted(found) == sorted(truths) != []
    text.close()


def test_sessions_named_before_the_start_are_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "log"
    session = "QCmnL+1dB2sUVQ/Ag+zDdQ"
    path.write_text(
        "".join(
            f"Mar  1 00:00:00 mx1 {line}\n"
            for line in (
                "postfix/smtpd[1]: A1B2C3: client=c[192.0.2.1]",
                f"dovecot: lmtp(a@b)<1><{session}>: sieve: msgid=<x>: forwarded to <c@d>",
                f"postfix/lmtp[1]: A1B2C3: to=<a@b>, relay=d, status=sent (250 2.0.0 <a@b> {session} Saved)",
                "postfix/qmgr[1]: A1B2C3: removed",
            )
        )
    )
    text = open_text([path])
    ((life,),) = join(text, DIALECT, path.read_bytes().rindex(b"Mar"))
    assert [line for _, line in life.beside] == path.read_bytes().splitlines()[1:2]
    text.close()


def test_lines_of_sessions_that_nobody_names_are_dropped() -> None:
    sessions = joining._Sessions()
    for place in range(0, 10 * joining.BESIDE, joining.BESIDE // 4):
        sessions.tell(b"%d" % place, (place, b"x"))
        sessions.name(b"n%d" % place, Life(b"h", b"q"), place)
        sessions.forget(place)
        assert len(sessions._told) < 7
        assert len(sessions._named) < 7


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
