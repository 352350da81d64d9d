"""The frame around a line of a system log: time, host, program, process, and the text after them.

Traditional (RFC 3164) with the day padded by a blank, a zero or nothing, RFC 3339 time stamps,
RFC 5424, what postlogd(8) writes, ``journalctl -o short-iso|short-unix|json``; each perhaps after
NULs (left by a crash), a byte order mark or a ``<PRI>``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from smtpadmin.formats.log_clock import LogClock

LEVELS = ("emerg", "alert", "crit", "error", "warning", "notice", "info", "debug")
"""Names of the severities 0 to 7, RFC 5424 table 2."""
MOST_JSON = 4 * 1024 * 1024
_FRAME = re.compile(
    rb"([A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    rb"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d)?"
    rb"|\d{9,11}\.\d{1,9}) +"
    rb"(?:([^\s:\[\]]{1,255}|[0-9A-Fa-f:.]{2,45}) )?"
    rb"(?:([^\s:\[\]]{1,128})(?:\[(\d{1,10})\])?: ?)?"
)
_FIVE = re.compile(rb"<(\d{1,3})>[1-9] (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) ")
_PRI = re.compile(rb"<(\d{1,3})>")
_ELEMENT = re.compile(rb'\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\]')
_BOM = b"\xef\xbb\xbf"
_JUNK = b"\0 \t"
_NO_CLOCK = LogClock()


class Frame(NamedTuple):
    """``message`` is the text after the tag, the whole line when there is no frame. ``level`` is
    only what the frame itself says."""

    time: datetime | None
    host: str | None
    program: str | None
    pid: int | None
    level: str | None
    message: bytes


def parse_frame(line: bytes, clock: LogClock | None = None) -> Frame:
    """The frame of a line. Never raises; a stamp without a year needs a ``clock``.

    >>> parse_frame(b"Jun  6 23:34:18 mx1 postfix/qmgr[9]: A1B2C3: removed").message
    b'A1B2C3: removed'
    """
    first = line[:1]
    if not (first.isalnum()):
        return _after_junk(line, clock)
    return _plain(line, clock, None)


def _plain(line: bytes, clock: LogClock | None, level: str | None) -> Frame:
    found = _FRAME.match(line)
    if found is None:
        return Frame(None, None, None, None, level, line.rstrip(b"\r\n"))
    stamp, host, program, pid = found.groups()
    return Frame(
        (clock or _NO_CLOCK).moment(stamp),
        host.decode("utf-8", "backslashreplace") if host else None,
        program.decode("utf-8", "backslashreplace") if program else None,
        int(pid) if pid else None,
        level,
        line[found.end() :].rstrip(b"\r\n"),
    )


def _after_junk(line: bytes, clock: LogClock | None) -> Frame:
    line = line.lstrip(b"\0").removeprefix(_BOM).lstrip(_JUNK)
    if line.startswith(b"{"):
        return _journal(line) or Frame(None, None, None, None, None, line.rstrip(b"\r\n"))
    if found := _FIVE.match(line):
        return _rfc5424(line, found, clock)
    if found := _PRI.match(line):
        return _plain(line[found.end() :].lstrip(_JUNK), clock, _level(int(found[1])))
    return _plain(line, clock, None)


def _level(priority: int) -> str | None:
    return LEVELS[priority & 7] if priority < 192 else None


def _rfc5424(line: bytes, found: re.Match[bytes], clock: LogClock | None) -> Frame:
    priority, stamp, host, program, pid, _ = found.groups()
    rest = line[found.end() :]
    if rest.startswith(b"- "):
        rest = rest[2:]
    elif rest.startswith(b"["):
        while element := _ELEMENT.match(rest):
            rest = rest[element.end() :]
        rest = rest.removeprefix(b" ")
    elif rest.rstrip(b"\r\n") == b"-":
        rest = b""
    return Frame(
        (clock or _NO_CLOCK).moment(stamp),
        _given(host),
        _given(program),
        int(pid) if pid.isdigit() and len(pid) < 11 else None,
        _level(int(priority)),
        rest.removeprefix(_BOM).rstrip(b"\r\n"),
    )


def _given(value: bytes) -> str | None:
    """RFC 5424 writes ``-`` for what is not known."""
    return None if value == b"-" else value.decode("utf-8", "backslashreplace")


def _journal(line: bytes) -> Frame | None:
    """An entry of ``journalctl -o json`` (systemd's JOURNAL_EXPORT_FORMATS): every value is text,
    a list of octets when it is not UTF-8, or null when it was too long."""
    if len(line) > MOST_JSON or b'"__REALTIME_TIMESTAMP"' not in line:
        return None
    import msgspec  # few logs need it, and every search would wait for it

    try:
        entry = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    priority = _octets(entry.get("PRIORITY"))
    pid = _octets(entry.get("SYSLOG_PID")) or _octets(entry.get("_PID")) or b""
    program = _octets(entry.get("SYSLOG_IDENTIFIER")) or _octets(entry.get("_COMM"))
    host = _octets(entry.get("_HOSTNAME"))
    return Frame(
        _of_microseconds(_octets(entry.get("__REALTIME_TIMESTAMP"))),
        host.decode("utf-8", "backslashreplace") if host else None,
        program.decode("utf-8", "backslashreplace") if program else None,
        int(pid) if pid.isdigit() and len(pid) < 11 else None,
        LEVELS[int(priority)]
        if priority in (b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7")
        else None,
        _octets(entry.get("MESSAGE")) or b"",
    )


def _octets(value: object) -> bytes | None:
    """A field of the journal; of one that was set several times, the first."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace")
    if isinstance(value, list) and value:
        if all(isinstance(item, int) and 0 <= item < 256 for item in value):
            return bytes(value)
        return _octets(value[0])
    return None


def _of_microseconds(value: bytes | None) -> datetime | None:
    if value is None or not value.isdigit() or len(value) > 17:
        return None
    try:
        seconds, micro = divmod(int(value), 1_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro)
    except (ValueError, OverflowError, OSError):
        return None
