"""Resources load, and a missing one is a sentence."""

from __future__ import annotations

import json

import pytest

from smtpadmin.model.errors import StorageError
from smtpadmin.util.resources import list_dir, read_bytes, read_text


def test_icons_are_svg_in_the_current_colour() -> None:
    names = list_dir("icons")
    assert "server.svg" in names
    for name in names:
        assert "currentColor" in read_text(f"icons/{name}")


def test_every_json_resource_can_be_read() -> None:
    for folder in ("knowledge", "presets", "builtin"):
        for name in list_dir(folder):
            json.loads(read_bytes(f"{folder}/{name}"))


def test_a_missing_file_is_a_sentence() -> None:
    with pytest.raises(StorageError, match="a file of the program is missing"):
        read_text("icons/nothing.svg")
    with pytest.raises(StorageError):
        list_dir("nowhere")


@pytest.mark.parametrize("path", ["/etc/passwd", "../pyproject.toml"])
def test_only_paths_inside_are_allowed(path: str) -> None:
    with pytest.raises(AssertionError):
        read_text(path)
