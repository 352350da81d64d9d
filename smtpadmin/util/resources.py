"""Files of ``resources/``, from an installed package or from a checkout.

A wheel carries them as ``smtpadmin/resources``; an editable install leaves them at the top of the
checkout, where the package cannot see them. So: the package first, the checkout second.
"""

from __future__ import annotations

import functools
from pathlib import Path, PurePosixPath

from smtpadmin.model.errors import StorageError

_PACKAGE = Path(__file__).resolve().parents[1]


@functools.cache
def _root() -> Path:
    for folder in (_PACKAGE / "resources", _PACKAGE.parent / "resources"):
        if folder.is_dir():
            return folder
    raise StorageError(
        "the folder of icons, presets and knowledge is missing",
        where=str(_PACKAGE),
        remedy="Install smtpadmin again.",
    )


def _file(path: str) -> Path:
    relative = PurePosixPath(path)
    assert not relative.is_absolute(), path
    assert ".." not in relative.parts, path
    return _root() / relative


def read_bytes(path: str) -> bytes:
    """A resource's octets, by its path inside ``resources/``. Raises StorageError."""
    try:
        return _file(path).read_bytes()
    except OSError as error:
        raise StorageError(
            "a file of the program is missing", where=path, remedy="Install smtpadmin again."
        ) from error


def read_text(path: str) -> str:
    """A resource's text (UTF-8). Raises StorageError."""
    return read_bytes(path).decode("utf-8")


def folder(path: str) -> Path:
    """A folder of ``resources/``, for a library that reads files by itself. Raises StorageError."""
    return _file(path)


def list_dir(path: str) -> tuple[str, ...]:
    """Names in a folder of ``resources/``, sorted. Raises StorageError."""
    try:
        return tuple(sorted(entry.name for entry in _file(path).iterdir()))
    except OSError as error:
        raise StorageError(
            "a folder of the program is missing", where=path, remedy="Install smtpadmin again."
        ) from error
