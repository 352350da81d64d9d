"""A message in Exim's spool: the header file (``-Mvh``), the body file (``-Mvb``), joined again.

The header file holds name, login, sender, time, one ``-option`` a line, the tree of recipients that
are done, the list of all recipients, and each header line with its length and a type, ``*`` for one
that was deleted or replaced. Exim specification, "Format of spool files"; ``src/spool_in.c``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from smtpadmin.formats.exim_id import PATTERN, is_message_id
from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.queue import StoredMessage
from smtpadmin.util.text import decode_line, visible

MOST_RECIPIENTS = 1_000_000
_NAME = re.compile(rf"(?P<id>{PATTERN})-H")
_BODY_NAME = re.compile(rf"{PATTERN}-D\n".encode())
_HEADER = re.compile(rb"(\d{3,10})(.) ", re.DOTALL)
_TREE = re.compile(r"(?P<left>[YN])(?P<right>[YN]) (?P<address>.*)")
_EXTRA = re.compile(r"(?P<left>.*) (?P<length>\d{1,6}),(?P<number>-?\d{1,9})(?:#(?P<flags>[13]))?")


@dataclass(frozen=True, slots=True)
class SpoolHeader:
    """A header line with its line ends. ``kind`` is Exim's letter for it (``F`` From, ``T`` To,
    ``I`` Message-ID, ``P`` Received, blank for any other)."""

    kind: str
    raw: bytes
    deleted: bool


@dataclass(frozen=True, slots=True)
class SpoolEnvelope:
    """What the header file says. ``recipients`` are all, ``done`` those that need nothing more;
    ``options`` are its ``-name value`` lines, the value empty for a switch."""

    queue_id: str
    sender: str
    recipients: tuple[str, ...]
    done: tuple[str, ...]
    headers: tuple[SpoolHeader, ...]
    arrived: datetime | None
    login: str
    options: Mapping[str, str]

    @property
    def waiting(self) -> tuple[str, ...]:
        """Recipients that have not got their copy."""
        done = set(self.done)
        return tuple(address for address in self.recipients if address not in done)

    @property
    def frozen(self) -> bool:
        """Whether no delivery is tried."""
        return "frozen" in self.options

    def message(self, body_file: bytes) -> StoredMessage:
        """The message as it would be sent: without deleted header lines, waiting recipients only."""
        body = body_file
        if name := _BODY_NAME.match(body):
            body = body[name.end() :]
        if "spool_file_wireformat" in self.options:
            body = body.replace(b"\r\n", b"\n")
        head = b"".join(header.raw for header in self.headers if not header.deleted)
        return StoredMessage(
            self.queue_id, self.sender, self.waiting, head + b"\n" + body, self.arrived
        )


def parse_header_file(data: bytes) -> SpoolEnvelope:
    """The header file as ``-Mvh`` prints it. Raises ProtocolError when it is none, or is cut."""
    reader = _Lines(data)
    name = _NAME.fullmatch(reader.next())
    if name is None or not is_message_id(name["id"]):
        raise _malformed("it does not begin with its name")
    login = reader.next().split(" ")[0]
    sender = reader.next()
    if not (sender.startswith("<") and sender.endswith(">")):
        raise _malformed("the sender is missing")
    arrived = _time(reader.next())
    options = _options(reader)
    done = _tree(reader)
    recipients = _recipients(reader)
    if reader.next() != "":
        raise _malformed("the recipients are not followed by an empty line")
    headers = _headers(data[reader.position :])
    return SpoolEnvelope(
        name["id"], sender[1:-1], recipients, done, headers, arrived, login, options
    )


class _Lines:
    """Lines of the envelope part; ``position`` is where the next one begins."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def next(self) -> str:
        """The next line. Raises ProtocolError at the end."""
        end = self._data.find(b"\n", self.position)
        if end < 0:
            raise _malformed("it is cut")
        line = decode_line(self._data[self.position : end])
        self.position = end + 1
        return line

    def peek(self) -> bytes:
        """The first octet of the next line."""
        return self._data[self.position : self.position + 1]


def _time(line: str) -> datetime | None:
    seconds = line.split(" ")[0]
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 11):
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def _options(reader: _Lines) -> dict[str, str]:
    """``-name value`` lines; a second ``-`` marks a value from outside (4.94 and later), and
    ``-aclm NAME LENGTH`` is followed by a value that may hold line ends."""
    found: dict[str, str] = {}
    while reader.peek() == b"-":
        name, _, value = reader.next().lstrip("-").partition(" ")
        found[name.strip()] = value
        if name in ("aclc", "aclm", "acl") or name.startswith(("aclc", "aclm")):
            _skip_value(reader, value)
    return found


def _skip_value(reader: _Lines, head: str) -> None:
    length = head.rpartition(" ")[2]
    if length.isascii() and length.isdigit() and len(length) <= 9:
        end = reader.position + int(length) + 1
        while reader.position < end:
            reader.next()


def _tree(reader: _Lines) -> tuple[str, ...]:
    """Addresses of the balanced tree, each line with whether it has a left and a right child."""
    line = reader.next()
    if line == "XX":
        return ()
    found: list[str] = []
    open_nodes = 1
    while True:
        node = _TREE.fullmatch(line)
        if node is None:
            raise _malformed("the list of finished recipients is broken")
        found.append(node["address"])
        open_nodes += (node["left"] == "Y") + (node["right"] == "Y") - 1
        if open_nodes == 0:
            return tuple(found)
        line = reader.next()


def _recipients(reader: _Lines) -> tuple[str, ...]:
    count = reader.next()
    if not (count.isascii() and count.isdigit() and len(count) <= 7):
        raise _malformed("the number of recipients is missing")
    if int(count) > MOST_RECIPIENTS:
        raise _malformed("it claims too many recipients")
    return tuple(_address(reader.next()) for _ in range(int(count)))


def _address(line: str) -> str:
    """The address of ``ADDRESS [ORCPT LENGTH,FLAGS] [ERRORS-TO LENGTH,PARENT#BITS]``."""
    last = _EXTRA.fullmatch(line)
    if last is None or last["flags"] is None:
        return line
    line = _without_text(last)
    if last["flags"] == "3" and (dsn := _EXTRA.fullmatch(line)) is not None:
        line = _without_text(dsn)
    return line


def _without_text(extra: re.Match[str]) -> str:
    length = int(extra["length"])
    left = extra["left"]
    return (left[:-length] if length else left).removesuffix(" ")


def _headers(data: bytes) -> tuple[SpoolHeader, ...]:
    found: list[SpoolHeader] = []
    position = 0
    while position < len(data):
        head = _HEADER.match(data, position)
        if head is None:
            raise _malformed("a header line has no length")
        end = head.end() + int(head[1])
        if end > len(data):
            raise _malformed("a header line is cut")
        kind = decode_line(head[2])
        found.append(SpoolHeader(kind, data[head.end() : end], kind == "*"))
        position = end
    return tuple(found)


def parse_message_log(output: bytes) -> list[str]:
    """The lines of ``-Mvl``, made safe to show."""
    return [visible(decode_line(line)) for line in output.splitlines()]


def _malformed(what: str) -> ProtocolError:
    return ProtocolError(f"Exim's header file cannot be read: {what}")
