"""Compressed logs: which program wrote them is told by their first octets, not by their name."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, cast

from smtpadmin.tracking.log_text import Unpack

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"(\xb5/\xfd": "zstd",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
}


def unpacker(path: Path) -> Unpack | None:
    """What opens the file, or None for a plain one (or one that cannot be read at all)."""
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(6)
    except OSError:
        return None  # reading it will say why
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return _OPENERS[name]
    return None


def _gzip(path: Path) -> BinaryIO:
    from isal import igzip

    return cast("BinaryIO", igzip.open(path, "rb"))


def _zstd(path: Path) -> BinaryIO:
    import zstandard

    return cast("BinaryIO", zstandard.open(path, "rb"))


def _xz(path: Path) -> BinaryIO:
    import lzma

    return cast("BinaryIO", lzma.open(path, "rb"))


def _bzip2(path: Path) -> BinaryIO:
    import bz2

    return cast("BinaryIO", bz2.open(path, "rb"))


_OPENERS: dict[str, Unpack] = {"gzip": _gzip, "zstd": _zstd, "xz": _xz, "bzip2": _bzip2}
