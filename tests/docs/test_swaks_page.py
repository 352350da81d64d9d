"""The page about swaks leaves no option out, and each of its lines is backed by a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.support.programs import needed

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "swaks.md").read_text("utf-8")
LINES = [
    line
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| swaks |"))
]


def test_every_line_names_a_test_that_exists() -> None:
    assert len(LINES) > 50
    for line in LINES:
        found = re.search(r"`(tests/[a-z_/]+\.py)::(test_\w+)` \|$", line)
        assert found, line
        tree = ast.parse((ROOT / found[1]).read_text("utf-8"))
        names = {
            n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert found[2] in names, line


def test_every_option_of_swaks_stands_in_a_line() -> None:
    page = Path(needed("swaks")).read_text("utf-8", "replace")  # its manual stands in the program
    items = re.findall(r"^=item (-.*)$", page, re.MULTILINE)
    options = {o for item in items for o in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", item)}
    assert len(options) > 80
    spoken = set(re.findall(r"--[a-z][a-z0-9-]+", " ".join(line.split("|")[1] for line in LINES)))
    aliases = {"--quit", "--da", "--das", "--tlso", "--tlsos", "--lport", "--output-file", "--h-"}
    assert options - spoken - aliases == set()
