"""Ages, sizes and delays as people read them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smtpadmin.gui.time_format import age, octets, seconds


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (3, "3s"),
        (41 * 60, "41m"),
        (3900, "1h 5m"),
        (7200, "2h"),
        (2 * 86400 + 4 * 3600, "2d 4h"),
        (-5, "0s"),
    ],
)
def test_age(span: int, words: str) -> None:
    assert age(timedelta(seconds=span)) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, ""),
        (0, "0 B"),
        (999, "999 B"),
        (1400, "1.4 KB"),
        (38_000, "38 KB"),
        (4_100_000, "4.1 MB"),
        (999_700, "1.0 MB"),
    ],
)
def test_octets(size: int | None, words: str) -> None:
    assert octets(size) == words


@pytest.mark.parametrize(
    ("span", "words"), [(None, ""), (0.017, "17 ms"), (2.34, "2.3 s"), (250, "4m")]
)
def test_seconds(span: float | None, words: str) -> None:
    assert seconds(span) == words
