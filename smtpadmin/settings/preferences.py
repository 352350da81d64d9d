"""Preferences: window geometry, columns, saved views, theme. Never a profile, never a secret.

One JSON file with a version. Keys that this version does not know survive; a file that cannot be
read is put aside, never overwritten.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, TypeVar

from smtpadmin.settings.files import write_private

VERSION = 1
T = TypeVar("T")
log = logging.getLogger(__name__)


class Preferences:
    """Values by dotted key, with a default and its type at each use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, Any] = {}
        self._changed = False
        self.problem = ""

    def load(self) -> None:
        """Read the file, if there is one."""
        import json  # the first frame is shown before this

        try:
            file = json.loads(self._path.read_text("utf-8"))
            self._values = dict(file["values"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._put_aside(error)

    def _put_aside(self, error: Exception) -> None:
        aside = self._path.with_suffix(".broken.json")
        self.problem = f"{self._path}: cannot be read ({error}). It was kept as {aside.name}."
        log.info("%s", self.problem)
        if self._path.exists():
            self._path.replace(aside)

    def get(self, key: str, default: T) -> T:
        """The value, or the default when there is none or it is of another type."""
        value = self._values.get(key, default)
        return value if isinstance(value, type(default)) else default

    def set(self, key: str, value: object) -> None:
        """Change a value; :meth:`save` writes it."""
        if self._values.get(key) != value:
            self._values[key] = value
            self._changed = True

    def save(self) -> None:
        """Write the file if anything has changed. Raises OSError."""
        if self._changed:
            import json

            text = json.dumps({"version": VERSION, "values": self._values}, indent=1)
            write_private(self._path, text.encode())
            self._changed = False
