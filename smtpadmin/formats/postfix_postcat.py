"""A queue file as ``postcat -q`` prints it: envelope records, and the message between two marks.

Source: postcat(1). The message may hold lines that look like the marks, so its end is the last one
that names the same queue file; what follows (records that were taken from headers) cannot hold a
line feed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from smtpadmin.model.queue import StoredMessage
from smtpadmin.util.text import decode_line

_FIRST = re.compile(rb"\*\*\* ENVELOPE RECORDS ([^\n]{1,1000}) \*\*\*\n")
_RECORD = re.compile(r"([a-z_]{1,40}): ?(.*)")
_DOT_ATOM = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_PATH = re.compile(r"(?:.*/)?([a-z]+)(?:/[0-9A-Fa-z])*/([0-9A-Za-z]+)", re.ASCII)


class NotAQueueFileError(ValueError):
    """The output is not that of ``postcat -q``, or it breaks off."""


@dataclass(frozen=True, slots=True)
class QueueFile:
    """``recipients`` still wait, ``done`` are delivered or returned; ``created`` is the server's own
    clock as it prints it; ``attributes`` are the named ones (``client_address``, ``helo_name``,
    ``sasl_username`` …), of several with one name the first."""

    queue: str
    queue_id: str
    sender: str
    recipients: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    original: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    size: int | None = None
    raw: bytes = b""

    def stored(self) -> StoredMessage:
        """The message with the envelope of those who still wait for it."""
        return StoredMessage(self.queue_id, self.sender, self.recipients, self.raw)


def parse_queue_file(output: bytes) -> QueueFile:
    """Read the output of ``postcat -q ID``, with or without ``-e``, ``-h``, ``-b``.
    Raises NotAQueueFileError."""
    first = _FIRST.match(output)
    if first is None:
        raise NotAQueueFileError("no envelope records")
    path = first[1]
    contents = b"*** MESSAGE CONTENTS " + path + b" ***\n"
    extracted = b"*** HEADER EXTRACTED " + path + b" ***\n"
    begin = output.find(contents, first.end())
    end = output.rfind(extracted)
    if begin < 0 or end < begin or b"*** MESSAGE FILE END " + path not in output[end:]:
        raise NotAQueueFileError("the queue file breaks off")
    records = output[first.end() : begin] + output[end + len(extracted) :]
    raw = output[begin + len(contents) : end]
    return _queue_file(path.decode("utf-8", "backslashreplace"), records, raw)


def _queue_file(path: str, records: bytes, raw: bytes) -> QueueFile:
    found = _PATH.fullmatch(path)
    sender, created, size = "", "", None
    recipients: list[str] = []
    done: list[str] = []
    originals: dict[str, str] = {}
    attributes: dict[str, str] = {}
    original = ""
    for name, value in _records(records):
        match name:
            case "sender":
                sender = external(value)
            case "original_recipient":
                original = external(value)
            case "recipient" | "done_recipient":
                value = external(value)
                (recipients if name == "recipient" else done).append(value)
                if original and original != value:
                    originals[value] = original
                original = ""
            case "named_attribute":
                key, _, text = value.partition("=")
                attributes.setdefault(key, text)
            case "create_time" | "message_arrival_time":
                created = created or value
            case "message_size":
                word = value.split()[:1]
                size = int(word[0]) if word and word[0].isdigit() and len(word[0]) < 19 else size
            case _:
                attributes.setdefault(name, value)
    queue, queue_id = (found[1], found[2]) if found else ("", path)
    return QueueFile(
        queue, queue_id, sender, tuple(recipients), tuple(done), originals, attributes,
        created, size, raw,
    )  # fmt: skip


def external(address: str) -> str:
    """An address as commands and listings write it (RFC 5321, 4.1.2); a queue file has the local
    part without the quotes that it needs.

    >>> external("john doe@example.org")
    '"john doe"@example.org'
    """
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, ""
    if not local or _DOT_ATOM.fullmatch(local):
        return address
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"{at}{domain}'


def _records(octets: bytes) -> Iterator[tuple[str, str]]:
    for line in octets.split(b"\n"):
        if found := _RECORD.fullmatch(decode_line(line)):
            yield found[1], found[2]
