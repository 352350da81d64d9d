"""The script by itself: other shells and awks, a grep without -b, bounds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.make_log import World, write
from smtpadmin.tracking.push_down_script import BODY, OUTER

TOOLS = ("sh", "grep", "tail", "head", "awk", "zcat", "cat", "sort", "nice")


def run(path: Path, needle: str, search: str | None = None, most: int = 1 << 24) -> list[bytes]:
    stdin = f"postfix\n{most}\n{needle}\n{path}\n".encode()
    environment = os.environ | ({"PATH": search} if search else {})
    argv = [shutil.which("sh") or "sh", "-c", OUTER, "track", BODY, "60"]
    done = subprocess.run(
        argv, input=stdin, capture_output=True, env=environment, check=False, timeout=90
    )
    assert done.stderr == b""
    return sorted(done.stdout.splitlines())


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    path = tmp_path_factory.mktemp("log") / "mail.log"
    world = World(6, gap=1.0)
    write(path, world, 4000)
    return path, world


def wanted(world: World, scenario: str) -> str:
    return next(next(iter(t.recipients)) for t in world.truths if t.scenario == scenario)


@pytest.mark.parametrize(
    "scenario",
    [
        "expired",
        "filtered",
        "requeued",
        "many",
        "refused",
        "copied",
        "sieve_parted",
        "sieve_dropped",
    ],
)
def test_every_line_of_the_message_is_there(log: tuple[Path, World], scenario: str) -> None:
    path, world = log
    text = path.read_bytes()
    truth = next(t for t in world.truths if t.scenario == scenario)
    printed = run(path, next(iter(truth.recipients)))
    for line in printed:
        number, place, rest = line.split(b" ", 2)
        assert number == b"0"
        assert text[int(place) :].startswith(rest + b"\n")
    assert {line.encode() for line in truth.lines} <= {line.split(b" ", 2)[2] for line in printed}


def test_without_gnu_grep_the_same_lines_are_found(log: tuple[Path, World], tmp_path: Path) -> None:
    path, world = log
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / tool).symlink_to(found)
    (tmp_path / "grep").unlink()
    real = shutil.which("grep")
    (tmp_path / "grep").write_text(
        f'#!/bin/sh\ncase " $*" in *" -"*b*) exit 2 ;; esac\nexec {real} "$@"\n'
    )
    (tmp_path / "grep").chmod(0o755)
    address = wanted(world, "expired")
    assert run(path, address, str(tmp_path)) == run(path, address) != []


def test_other_awks_find_the_same(log: tuple[Path, World], tmp_path: Path) -> None:
    path, world = log
    address = wanted(world, "sieve_parted")
    expected = run(path, address)
    others = [
        found for name in ("gawk", "original-awk", "busybox") if (found := shutil.which(name))
    ]
    if not others:
        pytest.skip("no second awk is installed")
    for other in others:
        folder = tmp_path / Path(other).name
        folder.mkdir()
        (folder / "awk").symlink_to(other)
        assert run(path, address, f"{folder}:{os.environ['PATH']}") == expected


def test_the_output_is_bounded(log: tuple[Path, World]) -> None:
    path, _ = log
    printed = b"\n".join(run(path, "example", most=5000))
    assert 4000 < len(printed) <= 5000
