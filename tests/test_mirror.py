"""Tests mirror the package: a reader finds the tests of a file by its name."""

from __future__ import annotations

from pathlib import Path

import smtpadmin

PACKAGE = Path(smtpadmin.__file__).parent
TESTS = Path(__file__).parent

NO_TEST_OF_ITS_OWN: dict[str, str] = {
    "__main__.py": "three lines, run by every test that starts the program",
}
"""Source file -> why it has no test file of its own."""


def sources() -> list[Path]:
    return sorted(
        path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"
    )


def test_each_source_file_has_its_test_file() -> None:
    missing = [
        str(path)
        for path in sources()
        if str(path) not in NO_TEST_OF_ITS_OWN
        and not (TESTS / path.parent / f"test_{path.name}").exists()
        and not is_nouns_only(path)
    ]
    assert not missing


def is_nouns_only(path: Path) -> bool:
    """Plain data classes without a function of their own have nothing to test."""
    return path.parts[0] == "model" and "def " not in (PACKAGE / path).read_text("utf-8")


def test_no_exception_is_stale() -> None:
    known = {str(path) for path in sources()}
    assert set(NO_TEST_OF_ITS_OWN) <= known
