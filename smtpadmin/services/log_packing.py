"""Log records kept small: the line, and in a few octets what the line does not already say.

Most texts of a record stand in its line, so that an offset and a length name them; what many records
share (host, program, event, the names of the fields) is kept once. A record of a Postfix log takes a
fifth of its objects' room, and no garbage collection looks at it. Made again when somebody looks.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from smtpadmin.model.log import LogRecord

MOST_SHARED = 50_000
"""Different sets of host, program, event and field names that are kept once; a hostile log could
make a new one with every line. What is beyond keeps its own."""
MOST_SEARCHED = 4_095
"""Characters of a line, and :data:`MOST_FIELDS` of a record, up to which texts are looked for."""
MOST_FIELDS = 64
_LENGTH_BITS = 12
_LENGTH = MOST_SEARCHED
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class PackedRecord(msgspec.Struct, gc=False):
    """A line and the rest of its record."""

    raw: str
    rest: bytes


class LogPacking:
    """Packs and unpacks; keeps what records share. A record with values that cannot be packed
    exactly stays as it is."""

    def __init__(self) -> None:
        self._shared: list[list[Any]] = []
        self._numbers: dict[Hashable, int] = {}
        self._zones: list[tzinfo] = []
        self._zone_numbers: dict[tzinfo, int] = {}

    def pack(self, record: LogRecord) -> PackedRecord | LogRecord:
        """The record in little room."""
        time, fields = record.time, record.fields
        naive = time is not None and time.tzinfo is None
        if naive or not _PLAIN.issuperset(map(type, fields.values())):
            return record
        raw = record.raw
        searched = len(raw) <= MOST_SEARCHED and len(fields) <= MOST_FIELDS
        values = [record.queue_id, record.message, *fields.values()]
        sliced = [0] * len(values)
        if searched:
            for place, value in enumerate(values):
                if type(value) is str and value and (at := raw.find(value)) >= 0:
                    values[place], sliced[place] = at << _LENGTH_BITS | len(value), 1
        head = (record.event, record.host, record.program, record.level, record.file,
                self._zone(time), tuple(fields), tuple(sliced))  # fmt: skip
        moment = None if time is None else (time - _EPOCH) // _MICROSECOND
        try:
            rest = _encode((self._number(head), moment, record.pid, record.line, values))
        except (TypeError, OverflowError, UnicodeEncodeError):
            return record
        return PackedRecord(raw, rest)

    def unpack(self, packed: PackedRecord | LogRecord) -> LogRecord:
        """The record as it was."""
        if isinstance(packed, LogRecord):
            return packed
        raw = packed.raw
        number, moment, pid, line, values = _decode(packed.rest)
        head = self._shared[number] if isinstance(number, int) else number
        event, host, program, level, file, zone, names, sliced = head
        queue_id, message, *rest = (
            raw[value >> _LENGTH_BITS : (value >> _LENGTH_BITS) + (value & _LENGTH)]
            if is_slice
            else value
            for value, is_slice in zip(values, sliced, strict=True)
        )
        fields: Mapping[str, object] = dict(zip(names, rest, strict=True))
        time = None if moment is None else self._time(moment, zone)
        return LogRecord(
            raw, event, time, host, program, pid, level, queue_id, fields, message, file, line
        )

    def _number(self, head: tuple[Any, ...]) -> int | tuple[Any, ...]:
        """Under which number it is kept; the head itself when there are too many."""
        number = self._numbers.get(head)
        if number is None:
            if len(self._shared) >= MOST_SHARED:
                return head
            number = self._numbers[head] = len(self._shared)
            self._shared.append(list(head))
        return number

    def _zone(self, time: datetime | None) -> int:
        if time is None or time.tzinfo is None or time.tzinfo is UTC:
            return -1
        number = self._zone_numbers.get(time.tzinfo)
        if number is None:
            number = self._zone_numbers[time.tzinfo] = len(self._zones)
            self._zones.append(time.tzinfo)
        return number

    def _time(self, moment: int, zone: int) -> datetime:
        time = _EPOCH + moment * _MICROSECOND
        return time if zone < 0 else time.astimezone(self._zones[zone])


_PLAIN = frozenset({str, int, float, bool, type(None), list, dict})
"""Types of values that come out as they went in."""
