"""Writes a message, or one part of it, to a file of the user's: never over another file."""

from __future__ import annotations

import os
from pathlib import Path

from smtpadmin.formats.message_view import find_part
from smtpadmin.formats.mime_parts import parse_message, part_octets
from smtpadmin.model.errors import StorageError, UsageError
from smtpadmin.util.tasks import run_blocking


async def save_message(raw: bytes, path: Path) -> int:
    """Save the message as it is (``.eml``); gives the octets written. Raises StorageError."""
    return await run_blocking(_write_new, path, raw)


async def save_part(raw: bytes, number: str, path: Path) -> int:
    """Save one part decoded, by its number in the structure. Raises UsageError when there is none,
    StorageError when the file exists or cannot be written."""
    part = find_part(parse_message(raw), number)
    if part is None:
        raise UsageError("the message has no such part", where=number[:80])
    return await run_blocking(_write_new, path, part_octets(raw, part))


def _write_new(path: Path, octets: bytes) -> int:
    """Mail is private: for the owner alone. A file that is there already is another message's."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        remedy = "Choose another name." if isinstance(error, FileExistsError) else ""
        raise StorageError(
            f"cannot be written ({error.strerror})", where=str(path), remedy=remedy
        ) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError(f"cannot be written ({error.strerror})", where=str(path)) from error
    return len(octets)
