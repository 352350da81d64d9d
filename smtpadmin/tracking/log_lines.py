"""Octets and lines of a log on disk, compressed or not, in bounded memory.

What a file is compressed with is read from its first octets, not from its name: rotation renames
first and compresses later.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from smtpadmin.model.errors import UsageError

SNIFFED = 64 * 1024
"""Octets from which a file's format is told."""
CHUNK = 1024 * 1024
MOST_LINE = 1024 * 1024
"""Octets of one line that are kept; what is more is counted and left out."""
_COMPRESSED_PIECE = 32 * 1024
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
}
_TEXT_CONTROLS = b"\0\t\n\v\f\r\x1b"
_CONTROLS = bytes(set(range(32)) - set(_TEXT_CONTROLS)) + b"\x7f"


def chunks(path: Path) -> Iterator[bytes]:
    """The octets of a file in pieces, decompressed. Raises UsageError for one that cannot be read;
    what came before the fault was given."""
    try:
        with path.open("rb") as file:
            head = file.read(6)
            file.seek(0)
            yield from _decompressed(file, compression(head))
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UsageError:
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return UsageError(f"cannot be read to its end ({why})", where=str(path))


def compression(head: bytes) -> str | None:
    """What a file is compressed with, from its first six octets."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def _decompressed(file: BinaryIO, how: str | None) -> Iterator[bytes]:
    if how == "gzip":
        return _gunzipped(file)
    if how == "zstd":
        return _zstd(file)
    if how == "bzip2":
        return iter(partial(bz2.BZ2File(file).read1, CHUNK), b"")
    if how == "xz":
        return iter(partial(lzma.LZMAFile(file).read1, CHUNK), b"")
    return iter(partial(file.read, CHUNK), b"")


def _zstd(file: BinaryIO) -> Iterator[bytes]:
    """All frames of a zstd file. One without its end is no fault: the segment that KumoMTA is
    writing to has none yet."""
    import zstandard

    reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    try:
        yield from iter(partial(reader.read, CHUNK), b"")
    except zstandard.ZstdError as error:
        raise OSError(str(error)) from error


def _gunzipped(file: BinaryIO) -> Iterator[bytes]:
    """All members of a gzip file. Not by the file classes: of a cut file they lose what they had
    decompressed already."""
    try:
        from isal import igzip_lib
        from isal import isal_zlib as fast

        fault = cast("type[Exception]", igzip_lib.IsalError)
    except ImportError:
        fast, fault = zlib, zlib.error  # type: ignore[misc]
    left = file.read(_COMPRESSED_PIECE)
    try:
        while left:
            member = fast.decompressobj(wbits=31)
            while left:
                yield member.decompress(left)
                if member.eof:
                    break
                left = file.read(_COMPRESSED_PIECE)
            else:
                raise EOFError("it is cut")
            left = (member.unused_data or file.read(_COMPRESSED_PIECE)).lstrip(b"\0")
    except fault as error:
        raise OSError(str(error)) from error


class LineSplitter:
    """Lines out of pieces of any length: each without its line end, and how many octets of it were
    left out (usually 0)."""

    def __init__(self) -> None:
        self._rest = b""
        self._left_out = 0

    def feed(self, piece: bytes) -> Iterator[tuple[bytes, int]]:
        """The lines that end in this piece; to be used up before the next one."""
        lines = piece.split(b"\n")
        lines[0] = self._rest + lines[0]
        rest = lines.pop()
        for line in lines:
            kept, over = _cut(line.removesuffix(b"\r"))
            yield kept, over + self._left_out
            self._left_out = 0
        self._rest, over = _cut(rest)
        self._left_out += over

    def unfinished(self) -> tuple[bytes, int] | None:
        """What came of a line whose end did not."""
        if not self._rest and not self._left_out:
            return None
        return self._rest.removesuffix(b"\r"), self._left_out


def read_lines(path: Path) -> Iterator[tuple[bytes, int]]:
    """Each line without its line end, and how many octets of it were left out (usually 0). The
    last one may have no line end. Raises UsageError after the lines before a fault."""
    splitter = LineSplitter()
    source = chunks(path)
    fault: UsageError | None = None
    while True:
        try:
            chunk = next(source, b"")
        except UsageError as error:
            chunk, fault = b"", error
        if not chunk:
            break
        yield from splitter.feed(chunk)
    if last := splitter.unfinished():
        yield last
    if fault:
        raise fault


def _cut(line: bytes) -> tuple[bytes, int]:
    over = len(line) - MOST_LINE
    return (line[:MOST_LINE], over) if over > 0 else (line, 0)


def is_compressed(path: Path) -> bool:
    """Whether a file is of a kind that is decompressed; no for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return compression(file.read(6)) is not None
    except OSError:
        return False


def head_of(path: Path, octets: int = SNIFFED) -> bytes:
    """The first octets of a file, decompressed; none of one that cannot be read."""
    try:
        return next(chunks(path), b"")[:octets]
    except UsageError:
        return b""


def is_binary(head: bytes) -> bool:
    """Whether these are no lines of text: control octets that no log holds. NULs alone are no
    sign, a crash leaves runs of them in logs."""
    head = head.lstrip(b"\0")[:8192]
    if b"\0" in head and b"\n" not in head:
        return True
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls * 20 > len(head.replace(b"\0", b""))
