"""Postfix's queue as ``postqueue -j`` prints it (3.1 and later): one JSON object a line.

Source: postqueue(1), "JSON OBJECT FORMAT". The manual says that members will be added, so what is
not known is passed over and what is missing is taken as not said. Newer members: ``forced_expire``
(3.5), ``orig_address`` and ``bounce_reason`` (3.11); ``other_reason`` is printed, not documented.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.util.text import decode_line, visible

NULL_SENDER = "MAILER-DAEMON"
"""What the null sender is printed as, unless ``empty_address_recipient`` is set."""

FORCED_EXPIRE = "forced-expire"
"""Flag of a message that is returned to its sender at the next delivery attempt."""

MOST_LINE = 16 * 1024 * 1024
"""Octets of one line: a message may have tens of thousands of recipients."""

_SHOWN = 80
_ODD = re.compile("[\udc80-\udcff]")


class _Recipient(msgspec.Struct, gc=False):
    address: str = ""
    delay_reason: str | None = None
    bounce_reason: str | None = None
    other_reason: str | None = None


class _Message(msgspec.Struct, gc=False):
    queue_id: str
    queue_name: str = ""
    arrival_time: int | None = None
    message_size: int | None = None
    forced_expire: bool = False
    sender: str = ""
    recipients: tuple[_Recipient, ...] = ()


_decode = msgspec.json.Decoder(_Message).decode


class NotAnEntryError(ValueError):
    """A line that is no object of this listing."""


class EntryParser:
    """Turns lines into entries. Reasons, senders and queue names that come again and again are the
    same object each time: a queue of 100,000 messages has few of them, and they are its memory."""

    def __init__(self, null_sender: str = NULL_SENDER, server: str | None = None) -> None:
        self._null_sender = null_sender
        self._server = server
        self._texts: dict[str, str] = {}

    def entry(self, line: bytes) -> QueueEntry:
        """The entry of one line. Raises NotAnEntryError.

        >>> EntryParser().entry(b'{"queue_id": "1736261560", "sender": "MAILER-DAEMON"}').sender
        ''
        """
        try:
            found = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = _leniently(line)
        if not found.queue_id:
            raise NotAnEntryError("has no queue ID")
        return self._entry(found)

    def _entry(self, found: _Message) -> QueueEntry:
        share = self._texts.setdefault
        sender = found.sender
        return QueueEntry(
            found.queue_id,
            share(found.queue_name, found.queue_name),
            _moment(found.arrival_time),
            found.message_size,
            "" if sender == self._null_sender else share(sender, sender),
            tuple([self._recipient(one) for one in found.recipients]),
            self._server,
            False,
            (FORCED_EXPIRE,) if found.forced_expire else (),
        )

    def _recipient(self, found: _Recipient) -> QueueRecipient:
        reason = found.delay_reason or found.bounce_reason or found.other_reason
        if reason is not None:
            reason = self._texts.setdefault(reason, reason)
        return QueueRecipient(found.address, reason)


def looks_like(head: Sequence[bytes]) -> bool:
    """Whether these are lines of this listing."""
    return any(line.startswith(b"{") and b'"queue_name"' in line[:200] for line in head)


def parse(
    lines: Iterable[bytes], _now: datetime, tell: Callable[[str], None]
) -> Iterator[QueueEntry]:
    """The entries; see :mod:`smtpadmin.formats.queue_listing`. No line at all is an empty queue."""
    parser = EntryParser()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield parser.entry(line)
        except NotAnEntryError as error:
            tell(f"line {number} {error}")


def _moment(seconds: int | None) -> datetime | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _leniently(line: bytes) -> _Message:
    """The same, member by member: one of an unexpected type does not cost the whole message."""
    try:
        found = msgspec.json.decode(_as_utf8(line))
    except (msgspec.DecodeError, RecursionError) as error:
        shown = visible(decode_line(line.strip()), _SHOWN)
        cut = line.lstrip().startswith(b"{")
        raise NotAnEntryError(f"is {'cut or damaged' if cut else 'no entry'}: {shown}") from error
    queue_id = found.get("queue_id") if isinstance(found, dict) else None
    if not isinstance(queue_id, str):
        raise NotAnEntryError("has no queue ID")
    recipients = found.get("recipients")
    return _Message(
        queue_id,
        _text(found.get("queue_name")) or "",
        _whole(found.get("arrival_time")),
        _whole(found.get("message_size")),
        found.get("forced_expire") is True,
        _text(found.get("sender")) or "",
        tuple(map(_one_leniently, recipients)) if isinstance(recipients, list) else (),
    )


def _as_utf8(line: bytes) -> str:
    """Octets that are not UTF-8 as ``\\xNN`` in the text that the JSON holds."""
    text = line.decode("utf-8", "surrogateescape")
    return _ODD.sub(lambda found: f"\\\\x{ord(found[0]) - 0xDC00:02x}", text)


def _one_leniently(found: Any) -> _Recipient:
    if not isinstance(found, dict):
        return _Recipient(_text(found) or "")
    names = ("address", "delay_reason", "bounce_reason", "other_reason")
    address, *reasons = (_text(found.get(name)) for name in names)
    return _Recipient(address or "", *reasons)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return int(value) if isinstance(value, int | float) and abs(value) < 2**62 else None
