"""Errors as sentences and exit codes, without the command line's library."""

from __future__ import annotations

import subprocess
import sys

import pytest

from smtpadmin.cli.failures import EXIT_BUG, EXIT_INTERRUPTED, exit_code_of
from smtpadmin.model.errors import UsageError


def test_what_works_gives_its_own_code() -> None:
    assert exit_code_of(lambda: 7) == 7


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UsageError("no\x1b[31mred", remedy="Mend it."), 2, "no"),
        (ZeroDivisionError("oops"), EXIT_BUG, "a bug in smtpadmin: ZeroDivisionError: oops"),
        (KeyboardInterrupt(), EXIT_INTERRUPTED, ""),
    ],
)
def test_a_failure_is_one_sentence_without_control_characters(
    error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def call() -> int:
        raise error

    assert exit_code_of(call) == code
    said = capsys.readouterr().err
    assert words in said
    assert "\x1b" not in said
    assert said.count("\n") <= 1


def test_debug_shows_where_it_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    def call() -> int:
        raise UsageError("no")

    assert exit_code_of(call, debug=True) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_left_is_no_failure() -> None:
    program = (
        "import sys; from smtpadmin.cli.failures import exit_code_of\n"
        "def call(): raise BrokenPipeError\n"
        "sys.exit(exit_code_of(call))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
