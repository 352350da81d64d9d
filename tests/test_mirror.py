"""Tests mirror the package: a reader finds the tests of a file by its name."""

from __future__ import annotations

from pathlib import Path

import smtpadmin

PACKAGE = Path(smtpadmin.__file__).parent
TESTS = Path(__file__).parent

BY_THE_WINDOW = "driven by clicks and keys in tests/gui/test_main_window.py"
BY_THE_TOUR = "tests/cli/test_tour.py runs the whole tour"
BY_A_TERMINAL = "tests/cli/test_end_to_end.py runs it as a user does"

NO_TEST_OF_ITS_OWN: dict[str, str] = {
    "__main__.py": "three lines, run by every test that starts the program",
    "gui/": BY_THE_WINDOW,
    "gui/tour.py": BY_THE_TOUR,
    "gui/tour_states.py": BY_THE_TOUR,
    "gui/tour_tools.py": BY_THE_TOUR,
    "cli/demo.py": BY_THE_TOUR,
    "cli/gui.py": BY_THE_WINDOW,
    "cli/queue.py": BY_A_TERMINAL,
    "cli/send.py": BY_A_TERMINAL,
    "cli/server_tools.py": "tests/live/test_exim_on_the_command_line.py runs it as a user does",
    "cli/servers.py": BY_A_TERMINAL,
    "cli/sources.py": BY_A_TERMINAL,
    "services/demo_server.py": BY_THE_TOUR,
    "tracking/dialect.py": "nouns; every test of a search uses them",
    "tracking/engine.py": BY_A_TERMINAL,
}
"""Source file, or folder with a slash -> where it is tested instead."""


def sources() -> list[Path]:
    return sorted(
        path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"
    )


def excused(path: Path) -> bool:
    name = path.as_posix()
    return any(
        name == other or (other.endswith("/") and name.startswith(other))
        for other in NO_TEST_OF_ITS_OWN
    )


def test_each_source_file_has_its_test_file() -> None:
    missing = [
        str(path)
        for path in sources()
        if not excused(path)
        and not (TESTS / path.parent / f"test_{path.name}").exists()
        and not is_nouns_only(path)
    ]
    assert not missing


def is_nouns_only(path: Path) -> bool:
    """Plain data classes without a function of their own have nothing to test."""
    return path.parts[0] == "model" and "def " not in (PACKAGE / path).read_text("utf-8")


def test_no_exception_is_stale() -> None:
    known = {path.as_posix() for path in sources()}
    for name in NO_TEST_OF_ITS_OWN:
        assert name in known or (name.endswith("/") and (PACKAGE / name).is_dir()), name
