"""Rspamd's history: what its controller answers at ``/history``, or single rows, one a line.

Version 2 is ``{"version": 2, "rows": [...]}``, the built-in one a bare list. Rows name no queue ID:
they are joined by Message-ID.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from smtpadmin.formats.json_line import text_of
from smtpadmin.model.log import LogRecord
from smtpadmin.util.text import decode_line

Fields = dict[str, object]

PROGRAM = "rspamd"
MOST_OCTETS = 64 * 1024 * 1024
_STATUS = {
    "reject": "rejected",
    "soft reject": "deferred",
    "greylist": "deferred",
    "quarantine": "quarantined",
    "discard": "discarded",
}


def rows(document: bytes) -> list[LogRecord]:
    """A record for every row of an answer, in its order; none of what is no history. Never raises."""
    found = _decoded(document)
    if isinstance(found, Mapping):
        found = found.get("rows")
    if not isinstance(found, list):
        return []
    return [_record(row, msgspec.json.encode(row).decode()) for row in found if _is_row(row)]


def parse_line(line: bytes, *, file: str | None = None, number: int | None = None) -> LogRecord:
    """One line as a record: a row, or a whole answer (event ``history``). Never raises."""
    raw = decode_line(line)
    found = _decoded(line)
    if _is_row(found):
        return _record(found, raw, file, number)
    inner = found.get("rows") if isinstance(found, Mapping) else found
    if isinstance(inner, list) and inner and all(map(_is_row, inner)):
        fields: Fields = {"rows": len(inner)}
        return LogRecord(
            raw, "history", program=PROGRAM, fields=fields, message=raw, file=file, line=number
        )
    return LogRecord(raw=raw, message=raw, file=file, line=number)


def looks_like(line: bytes) -> bool:
    """Whether a line is a row or an answer."""
    return b'"required_score"' in line and b'"action"' in line and line.lstrip()[:1] in (b"{", b"[")


def _decoded(line: bytes) -> Any:
    if len(line) > MOST_OCTETS or line.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_row(value: object) -> bool:
    return isinstance(value, Mapping) and "action" in value and "required_score" in value


def _record(
    row: Mapping[str, Any], raw: str, file: str | None = None, number: int | None = None
) -> LogRecord:
    fields: Fields = dict(row)
    sender = row.get("sender_smtp", row.get("from"))
    if isinstance(sender, str):
        fields["from"] = sender
    to = row.get("rcpt_smtp", row.get("rcpt"))
    if isinstance(to, list):
        fields["to"] = [address for address in to if isinstance(address, str)]
    message_id = text_of(row.get("message-id")) or text_of(row.get("id"))
    if message_id:
        fields["message-id"] = message_id.removeprefix("<").removesuffix(">")
    if (address := text_of(row.get("ip"))) is not None:
        fields["client_address"] = address
    action = text_of(row.get("action")) or ""
    if action in _STATUS:
        fields["status"] = _STATUS[action]
    return LogRecord(
        raw=raw,
        event="scan",
        time=_time(row.get("unix_time", row.get("time"))),
        program=PROGRAM,
        fields=fields,
        message=f"{action}: score {row.get('score')} of {row.get('required_score')}",
        file=file,
        line=number,
    )


def _time(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
