"""Final delivery into Maildirs, durable, and once even when the server dies in the middle.

The file's name is made of queue ID and recipient number, so a delivery that is repeated after a
crash finds its own file and does not add another. https://cr.yp.to/proto/maildir.html
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_UNSAFE = re.compile(r"[^a-z0-9._+-]")


def mailbox_folder(root: Path, address: str) -> Path:
    """The Maildir of an address; its extension (``+tag``) does not count. Octets that are not
    safe in file names are written as ``%XX``, so no address leads out of ``root``."""
    local_part, _, domain = address.lower().rpartition("@")
    return root / _safe(domain) / _safe(local_part.partition("+")[0] or local_part)


def _safe(name: str) -> str:
    quoted = _UNSAFE.sub(lambda found: "".join(f"%{o:02x}" for o in found[0].encode()), name)
    return quoted.replace(".", "%2e", 1) if quoted.startswith(".") else quoted or "%00"


def deliver(folder: Path, unique: str, sender: str, recipient: str, raw: bytes) -> Path:
    """Write a message (CRLF line ends) with its Return-Path and Delivered-To; gives the file, on
    disk when this returns. Raises OSError. Blocking: call it in a thread."""
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(parents=True, exist_ok=True, mode=0o700)
    done = _delivered_before(folder, unique)
    if done is not None:
        return done
    head = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode()
    partial = folder / "tmp" / unique
    with partial.open("wb") as file:
        file.write((head + raw).replace(b"\r\n", b"\n"))
        file.flush()
        os.fsync(file.fileno())
    final = folder / "new" / unique
    partial.replace(final)
    _sync_folder(folder / "new")
    return final


def _delivered_before(folder: Path, unique: str) -> Path | None:
    new = folder / "new" / unique
    if new.exists():
        return new
    return next((folder / "cur").glob(f"{unique}*"), None)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder; a rename is durable there with the file itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
