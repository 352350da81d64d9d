"""Rotated files in the order of their age."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.tracking.rotation import Rotation, by_age, rotation


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mail.log", Rotation("mail.log")),
        ("mail.log.1", Rotation("mail.log", number=1)),
        ("mail.log.10.gz", Rotation("mail.log", number=10)),
        ("mail.log-20260301.xz", Rotation("mail.log", date="20260301")),
        ("maillog.20260301-120000.gz", Rotation("maillog", date="20260301-120000")),
        ("mail-20260301.log", Rotation("mail.log", date="20260301")),
        ("mainlog.02.gz", Rotation("mainlog", number=2)),
        ("mail.1.log", Rotation("mail.log", number=1)),
    ],
)
def test_names(name: str, said: Rotation) -> None:
    assert rotation(name) == said


def make(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.touch()
        os.utime(path, (1_000, 1_000))
    return paths


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_numbers_count_and_do_not_sort_as_text(tmp_path: Path) -> None:
    files = make(
        tmp_path, "mail.log", "mail.log.1", "mail.log.10.gz", "mail.log.2.gz", "mail.log.9.gz"
    )
    assert names(by_age(files)) == [
        "mail.log.10.gz",
        "mail.log.9.gz",
        "mail.log.2.gz",
        "mail.log.1",
        "mail.log",
    ]


def test_dates(tmp_path: Path) -> None:
    files = make(tmp_path, "mail.log", "mail.log-20260308", "mail.log-20260301.xz")
    assert names(by_age(files)) == ["mail.log-20260301.xz", "mail.log-20260308", "mail.log"]


def test_two_ways_of_rotation_go_by_the_last_change_and_the_live_file_is_last(
    tmp_path: Path,
) -> None:
    files = make(tmp_path, "mail.log", "mail.log.1", "mail.log.2.gz", "mail.log-20260301.xz")
    for age, path in enumerate((files[3], files[2], files[1])):
        os.utime(path, (5_000 + age, 5_000 + age))
    assert names(by_age(files)) == [
        "mail.log-20260301.xz",
        "mail.log.2.gz",
        "mail.log.1",
        "mail.log",
    ]


def test_several_logs_stay_together(tmp_path: Path) -> None:
    files = make(tmp_path, "b.log", "a.log", "b.log.1", "a.log.1")
    os.utime(tmp_path / "a.log.1", (2_000, 2_000))
    assert names(by_age(files)) == ["b.log.1", "b.log", "a.log.1", "a.log"]


def test_a_file_that_is_gone_is_no_fault(tmp_path: Path) -> None:
    assert names(by_age([tmp_path / "gone.log"])) == ["gone.log"]


@given(st.text(max_size=30))
def test_any_name(name: str) -> None:
    assert rotation(name).kind in (0, 1, 2)
