"""The command tree and the one place where errors become exit codes."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from smtpadmin import __version__
from smtpadmin.cli import app
from smtpadmin.model.errors import NotPermittedError, UnreachableError


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    errors: list[BaseException] = []

    @click.command()
    def command() -> None:
        raise errors[0]

    monkeypatch.setattr(app.LazyGroup, "get_command", lambda *_: command)
    return errors


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            UnreachableError("refused", where="mx1:25", remedy="Start it."),
            3,
            "mx1:25: refused. Start it.",
        ),
        (NotPermittedError("no", remedy="Ask."), 4, "no. Ask."),
        (ZeroDivisionError("oops"), 70, "a bug in smtpadmin: ZeroDivisionError: oops"),
        (click.UsageError("wrong"), 2, "wrong"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_a_sentence_and_an_exit_code(
    failing: list[BaseException],
    error: BaseException,
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing.append(error)
    assert app.run(["queue"]) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_debug_shows_the_traceback(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(UnreachableError("refused"))
    assert app.run(["--debug", "queue"]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["quue"]) == 2
    assert "quue" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("name", list(app.COMMANDS))
def test_every_named_command_loads_and_has_help(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: smtpadmin {name}")


def test_help_loads_no_heavy_library() -> None:
    program = (
        "import sys; from smtpadmin.cli.app import run; code = run(['--help']);"
        "heavy = {'numpy', 'aiohttp', 'asyncssh', 'keyring', 'cryptography', 'dns', 'rich',"
        " 'aiosmtplib', 'aiosmtpd', 'PySide6', 'asyncio'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
