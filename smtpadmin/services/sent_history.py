"""The history of test messages, read back from its file: the last ones, as they were told."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from smtpadmin.model.errors import StorageError
from smtpadmin.model.smtp import SendResult
from smtpadmin.services.send_test import KEPT, Sent

MOST_OCTETS = 16 * 1024 * 1024
"""Read from the end of the file; a message of many lines takes much."""


def read_history(path: Path, most: int = KEPT) -> list[Sent]:
    """The last ``most``, the newest first. A line that was cut, or is of a later version, is left
    out. Blocking; raises StorageError."""
    found: list[Sent] = []
    for line in reversed(_lines(path)):
        sent = _sent(line)
        if sent is not None:
            found.append(sent)
            if len(found) == most:
                break
    return found


def _lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MOST_OCTETS))
            octets = file.read(MOST_OCTETS)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"cannot be read ({error.strerror})", where=str(path)) from error
    return [line for line in octets.split(b"\n") if line]


def _sent(line: bytes) -> Sent | None:
    try:
        values = msgspec.json.decode(line)
        return Sent(
            time=datetime.fromisoformat(values["time"]),
            sender=str(values["sender"]),
            recipients=tuple(map(str, values["recipients"])),
            subject=str(values["subject"]),
            result=result_from(values["result"]),
        )
    except (
        msgspec.DecodeError,
        msgspec.ValidationError,
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        RecursionError,
    ):
        return None


def result_from(record: dict[str, Any]) -> SendResult:
    """What ``services.send_test.as_record`` wrote. Raises KeyError, TypeError, ValidationError."""
    lines = [
        {"t_ms": line["t_ms"], "direction": line["dir"], "line": line["line"], "tls": line["tls"]}
        for line in record["transcript"]
    ]
    return msgspec.convert({**record, "transcript": lines}, SendResult)
