"""The order of rotated log files: by age, which their names tell only in part.

``mail.log.10.gz`` is older than ``mail.log.9.gz``, ``mail.log-20260301.xz`` than
``mail.log-20260308``, each older than ``mail.log``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_COMPRESSED = re.compile(r"\.(?:gz|zst|xz|bz2|lzma|Z)$", re.I)
_DATED = re.compile(r"[-._](\d{8}(?:[-T]?\d{2,6})?)(?=\.[A-Za-z]+$|$)")
_NUMBERED = re.compile(r"\.(\d{1,6})(?=\.[A-Za-z]+$|$)")


class Rotation(NamedTuple):
    """``base`` is the live file's name; of ``date`` and ``number`` one at most is set."""

    base: str
    date: str = ""
    number: int = 0

    @property
    def kind(self) -> int:
        """0 dated, 1 numbered, 2 the live file: where names cannot tell, the older kind first."""
        return 0 if self.date else 1 if self.number else 2


def rotation(name: str) -> Rotation:
    """What the name of a log file says.

    >>> rotation("mail.log.10.gz")
    Rotation(base='mail.log', date='', number=10)
    """
    name = _COMPRESSED.sub("", name)
    if found := _DATED.search(name):
        return Rotation(name[: found.start()] + name[found.end() :], date=found[1])
    if found := _NUMBERED.search(name):
        return Rotation(name[: found.start()] + name[found.end() :], number=int(found[1]))
    return Rotation(name)


def is_packed(name: str) -> bool:
    """Whether the name of a file says that it is compressed, or is going to be.

    >>> is_packed("mail.log.2.gz")
    True
    """
    return _COMPRESSED.search(name) is not None


def by_age(paths: Iterable[Path]) -> list[Path]:
    """Files with the oldest first: those of one log together and by their names, or by their last
    change where it was rotated in two ways; logs by when their oldest file was last changed."""
    logs: dict[tuple[Path, str], list[tuple[Rotation, Path]]] = {}
    for path in paths:
        said = rotation(path.name)
        logs.setdefault((path.parent, said.base), []).append((said, path))
    ordered = [_in_order(files) for files in logs.values()]
    return [
        path for files in sorted(ordered, key=lambda files: _changed(files[0])) for path in files
    ]


def _in_order(files: list[tuple[Rotation, Path]]) -> list[Path]:
    if {0, 1} <= {said.kind for said, _ in files}:
        files.sort(key=lambda file: (file[0].kind == 2, _changed(file[1]), *_key(file[0])))
    else:
        files.sort(key=lambda file: _key(file[0]))
    return [path for _, path in files]


def _key(said: Rotation) -> tuple[int, str, int]:
    return said.kind, said.date, -said.number


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
