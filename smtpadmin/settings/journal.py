"""The activity journal: every write that smtpadmin made, and copies of what it removed.

One JSON object a line, on disk before the caller goes on. Copies lie beside it: ``NAME.eml`` with
the octets and ``NAME.json`` with the envelope.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from smtpadmin.model.activity import Activity
from smtpadmin.model.errors import StorageError
from smtpadmin.model.queue import StoredMessage
from smtpadmin.settings.files import write_private

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


class Journal:
    """Reads and writes the journal in ``folder``. Blocking: call it in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._folder / "activity.jsonl"

    def write(self, activity: Activity) -> None:
        """Append an activity; on disk when this returns. Raises StorageError."""
        values = dataclasses.asdict(activity) | {"time": activity.time.isoformat()}
        line = json.dumps(values, ensure_ascii=False) + "\n"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(line.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._error("the journal cannot be written", error) from error

    def read(self, most: int = 1_000) -> list[Activity]:
        """The newest activities first. A line that was cut, or is foreign, is left out."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._error("the journal cannot be read", error) from error
        found = (_activity(line) for line in reversed(lines))
        return [activity for activity, _ in zip(filter(None, found), range(most), strict=False)]

    def keep_copy(self, message: StoredMessage, server: str) -> str:
        """Keep a message and its envelope; gives the path of the ``.eml``. Raises StorageError."""
        folder = self._folder / "copies"
        name = f"{_UNSAFE.sub('_', server)[:60]}-{_UNSAFE.sub('_', message.queue_id)[:60]}"
        path = folder / f"{name}-{uuid.uuid4().hex[:8]}.eml"
        envelope = {
            "queue_id": message.queue_id,
            "server": server,
            "sender": message.sender,
            "recipients": list(message.recipients),
            "arrived": message.arrived.isoformat() if message.arrived else None,
        }
        try:
            write_private(path.with_suffix(".json"), json.dumps(envelope, indent=1).encode())
            write_private(path, message.raw)
        except OSError as error:
            raise self._error("no copy of the message can be kept", error) from error
        return str(path)

    def load_copy(self, path: str) -> StoredMessage:
        """A kept copy. Raises StorageError when it is gone or damaged."""
        file = Path(path)
        try:
            envelope = json.loads(file.with_suffix(".json").read_bytes())
            arrived = envelope.get("arrived")
            return StoredMessage(
                queue_id=str(envelope["queue_id"]),
                sender=str(envelope["sender"]),
                recipients=tuple(str(address) for address in envelope["recipients"]),
                raw=file.read_bytes(),
                arrived=datetime.fromisoformat(arrived) if arrived else None,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(f"the kept copy cannot be read ({error})", where=path) from error

    def _error(self, what: str, error: OSError) -> StorageError:
        return StorageError(
            f"{what} ({error.strerror or error})",
            where=str(self._folder),
            remedy="Free some space or check the permissions; nothing was changed on the server.",
        )


def _activity(line: bytes) -> Activity | None:
    try:
        values: dict[str, Any] = json.loads(line)
        values["time"] = datetime.fromisoformat(values["time"])
        for name in ("queue_ids", "commands", "copies"):
            values[name] = tuple(values[name])
        return Activity(**values)
    except (ValueError, KeyError, TypeError):
        return None
