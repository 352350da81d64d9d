"""Final delivery into Maildirs, durable, and once even when the server dies in the middle.

The file's name is made of queue ID and recipient number, so a delivery that is repeated after a
crash finds its own file and does not add another. https://cr.yp.to/proto/maildir.html
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path

_UNSAFE = re.compile(r"[^a-z0-9._+-]")
MOST_NAME = 200
_DIGITS = "123456789"
_WINDOWS_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"com{n}" for n in _DIGITS), *(f"lpt{n}" for n in _DIGITS))
)


def mailbox_folder(root: Path, address: str) -> Path:
    """The Maildir of an address; its extension (``+tag``) does not count. Octets that are not
    safe in file names are written as ``%XX``, so no address leads out of ``root``."""
    local_part, _, domain = address.lower().rpartition("@")
    return root / _safe(domain) / _safe(local_part.partition("+")[0] or local_part)


def _safe(name: str) -> str:
    quoted = _UNSAFE.sub(lambda found: _percent(found[0]), name) or "%00"
    if len(quoted) > MOST_NAME:
        # Shortened, and still one name for each address.
        quoted = f"{quoted[:100]}%{hashlib.sha256(name.encode()).hexdigest()}"
    if quoted.startswith(".") or quoted.partition(".")[0] in _WINDOWS_DEVICES:
        quoted = _percent(quoted[0]) + quoted[1:]
    return quoted[:-1] + "%2e" if quoted.endswith(".") else quoted


def _percent(text: str) -> str:
    return "".join(f"%{octet:02x}" for octet in text.encode("utf-8", "surrogatepass"))


def file_name(arrived: float, queue_id: str, n: int) -> str:
    """The one name of a message's copy for its recipient number ``n``."""
    return f"{int(arrived)}.{queue_id}_{n}.smtpadmin"


def deliver(
    folder: Path, unique: str, sender: str, recipient: str, raw: bytes, *, again: bool = False
) -> Path:
    """Write a message (CRLF line ends) with its Return-Path and Delivered-To; gives the file, on
    disk when this returns. ``again``: an earlier delivery may have ended after the file was in
    place, and a reader may have moved it. Raises OSError. Blocking: call it in a thread."""
    if not (folder / "new").is_dir():
        _make_maildir(folder)
    if again and (done := _delivered_before(folder, unique)) is not None:
        return done
    head = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode()
    partial = folder / "tmp" / unique
    with partial.open("wb") as file:
        file.write((head + raw).replace(b"\r\n", b"\n"))
        file.flush()
        _sync(file.fileno())
    final = folder / "new" / unique
    partial.replace(final)
    _sync_folder(folder / "new")
    return final


def _make_maildir(folder: Path) -> None:
    """Make the folders, each one on disk in its parent before mail lies in it."""
    missing = [folder / "tmp", folder / "cur", folder / "new"]
    for parent in (folder, *folder.parents):
        if parent.is_dir():
            break
        missing.insert(0, parent)
    for path in missing:
        path.mkdir(exist_ok=True, mode=0o700)
        _sync_folder(path.parent)


def _delivered_before(folder: Path, unique: str) -> Path | None:
    new = folder / "new" / unique
    if new.exists():
        return new
    return next((folder / "cur").glob(f"{unique}*"), None)


if sys.platform == "darwin":
    import fcntl

    def _sync(descriptor: int) -> None:
        """fsync on macOS ends in the disk's cache."""
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
else:

    def _sync(descriptor: int) -> None:
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder; a rename is durable there with the file itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)
