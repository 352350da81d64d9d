"""KumoMTA's log: one JSON object a line (KumoMTA's reference manual, "Log Record").

A record keeps its own members in ``fields``; sender, recipients, reply and state are there by the
common names as well.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from smtpadmin.formats.json_line import integer_of, read_object, text_of
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.model.log import LogRecord
from smtpadmin.util.text import decode_line

Fields = dict[str, object]

PROGRAM = "kumod"
_EVENTS: dict[str, tuple[str, str | None]] = {
    "Reception": ("queued", None),
    "Delivery": ("delivery", "sent"),
    "Bounce": ("delivery", "bounced"),
    "TransientFailure": ("delivery", "deferred"),
    "Expiration": ("expired", "expired"),
    "AdminBounce": ("delivery", "bounced"),
    "OOB": ("notification", None),
    "Feedback": ("feedback", None),
    "Rejection": ("reject", "rejected"),
    "AdminRebind": ("requeue", None),
    "DeferredInjectionRebind": ("requeue", None),
    "Delayed": ("delayed", "deferred"),
    "XferOut": ("transfer-out", None),
    "XferIn": ("transfer-in", None),
}
_CLOCK = LogClock(UTC)


def parse_line(line: bytes, *, file: str | None = None, number: int | None = None) -> LogRecord:
    """One line, without its line end, as a record. Never raises."""
    raw = decode_line(line)
    found = read_object(line)
    kind = text_of(found.get("type")) if found else None
    if found is None or kind is None:
        return LogRecord(raw=raw, message=raw, file=file, line=number)
    event, status = _EVENTS.get(kind, (kind.lower(), None))
    fields = _fields(found, status)
    return LogRecord(
        raw=raw,
        event=event,
        time=_time(found),
        host=text_of(found.get("nodeid")),
        program=PROGRAM,
        queue_id=text_of(found.get("id")),
        fields=fields,
        message=f"{kind}: {fields.get('reply') or ''}".rstrip(": "),
        file=file,
        line=number,
    )


def looks_like(line: bytes) -> bool:
    """Whether a line is of this log."""
    if b'"type"' not in line:
        return False
    found = read_object(line)
    return (
        found is not None and found.get("type") in _EVENTS and not found.keys() & {"level", "event"}
    )


def _fields(found: dict[str, Any], status: str | None) -> Fields:
    fields: Fields = dict(found)
    sender = found.get("sender")
    if isinstance(sender, str):
        fields["from"] = "" if sender == "<>" else sender
    to = recipients(found.get("recipient"))
    if to:
        fields["to"] = to
    if status:
        fields["status"] = status
    response = found.get("response")
    if isinstance(response, dict):
        fields |= _reply(response)
    peer = found.get("peer_address")
    if isinstance(peer, dict):
        end = "client" if found.get("type") in ("Reception", "Rejection") else "relay"
        fields |= {f"{end}_name": peer.get("name"), f"{end}_address": peer.get("addr")}
    headers = found.get("headers")
    if isinstance(headers, dict):
        fields |= _headers(headers)
    return fields


def recipients(value: object) -> list[str]:
    """A recipient, or a list of them since 2025.12; nulls are left out."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _reply(response: dict[str, Any]) -> Fields:
    """``code``, ``dsn`` and the whole reply as one line of SMTP."""
    fields: Fields = {}
    code = integer_of(response.get("code"))
    parts = [str(code)] if code is not None else []
    if code is not None:
        fields["code"] = code
    enhanced = response.get("enhanced_code")
    if isinstance(enhanced, dict):
        numbers = [integer_of(enhanced.get(part)) for part in ("class", "subject", "detail")]
        if None not in numbers:
            fields["dsn"] = ".".join(map(str, numbers))
            parts.append(str(fields["dsn"]))
    if content := text_of(response.get("content")):
        parts.append(content)
    if parts:
        fields["reply"] = " ".join(parts)
    return fields


def _headers(headers: dict[str, Any]) -> Fields:
    fields: Fields = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower in ("message-id", "subject") and isinstance(value, str):
            fields[lower] = (
                value.strip().removeprefix("<").removesuffix(">")
                if lower == "message-id"
                else value
            )
    return fields


def _time(found: dict[str, Any]) -> datetime | None:
    stamp = text_of(found.get("event_time"))
    if stamp and (moment := _CLOCK.moment(stamp[:64].encode())):
        return moment
    seconds = found.get("timestamp")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
