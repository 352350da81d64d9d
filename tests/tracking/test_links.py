"""Ties between queue IDs, near and far, and groups of lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpadmin.tracking.links import Closure, components
from smtpadmin.tracking.lives import Life
from smtpadmin.tracking.log_text import LogText, open_text
from smtpadmin.tracking.postfix_lines import DIALECT
from smtpadmin.tracking.stream import sweep

HEAD = "Mar  1 00:00:00 mx1 postfix/"


def closure_of(tmp_path: Path, lines: list[str], hit: int) -> tuple[LogText, list[list[bytes]]]:
    path = tmp_path / "log"
    path.write_text("".join(f"{HEAD}{line}\n" for line in lines))
    text = open_text([path])
    made = Closure(text, DIALECT)
    place = sum(len(HEAD) + len(line) + 1 for line in lines[:hit])
    made.add(*text.line_at(place))
    sweep(made)
    lives = [life for lives in made.lives.values() for life in lives]
    return text, [[life.queue_id for life in group] for group in components(lives)]


FILLER = [f"smtpd[1]: connect from c{n}[192.0.2.1]" for n in range(30_000)]
FILTERED = [
    "smtpd[1]: A1A1A1: client=c[192.0.2.1]",
    "qmgr[1]: A1A1A1: from=<s@x>, size=1, nrcpt=1 (queue active)",
    "smtpd[1]: B2B2B2: client=localhost[127.0.0.1]",
    "qmgr[1]: B2B2B2: from=<s@x>, size=1, nrcpt=1 (queue active)",
    "smtp[1]: A1A1A1: to=<a@b>, relay=127.0.0.1[127.0.0.1]:10024, dsn=2.0.0, status=sent (250 Ok: queued as B2B2B2)",
    "qmgr[1]: A1A1A1: removed",
    "smtp[1]: B2B2B2: to=<a@b>, relay=mx[192.0.2.9]:25, dsn=5.0.0, status=bounced (no)",
    "cleanup[1]: C3C3C3: message-id=<n>",
    "bounce[1]: B2B2B2: sender non-delivery notification: C3C3C3",
    "qmgr[1]: B2B2B2: removed",
    "qmgr[1]: C3C3C3: removed",
]


@pytest.mark.parametrize("hit", range(len(FILTERED)))
def test_from_any_line_all_legs_are_reached(tmp_path: Path, hit: int) -> None:
    text, groups = closure_of(tmp_path, FILTERED, hit)
    assert groups == [[b"A1A1A1", b"B2B2B2", b"C3C3C3"]]
    text.close()


def test_legs_after_a_long_wait_are_reached(tmp_path: Path) -> None:
    lines = [*FILTERED[:6], *FILLER, *FILTERED[6:]]
    text, groups = closure_of(tmp_path, lines, 0)
    assert groups == [[b"A1A1A1", b"B2B2B2", b"C3C3C3"]]
    text.close()


def test_an_id_that_is_never_removed_is_followed_to_the_end(tmp_path: Path) -> None:
    text, groups = closure_of(tmp_path, [*FILTERED[:2], *FILLER, FILTERED[1]], 0)
    assert groups == [[b"A1A1A1"]]
    text.close()


def test_a_named_id_without_lines_makes_no_leg(tmp_path: Path) -> None:
    lines = [line for line in FILTERED if "C3C3C3: " not in line]
    text, groups = closure_of(tmp_path, lines, 0)
    assert groups == [[b"A1A1A1", b"B2B2B2"]]
    text.close()


def test_groups_are_in_the_order_of_their_first_lines() -> None:
    lives = [Life(b"h", name, [(place, b"")]) for name, place in ((b"c", 3), (b"a", 1), (b"b", 2))]
    assert [[life.queue_id for life in group] for group in components(lives)] == [
        [b"a"],
        [b"b"],
        [b"c"],
    ]
