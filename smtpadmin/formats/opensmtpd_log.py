"""Lines of OpenSMTPD's log, through syslog or from ``smtpd -d``.

Since 6.0: ``SESSION mta delivery evpid=E from=<> to=<> ... result="Ok" stat="250 ..."``; before:
``smtp-in: Accepted message M on session S: from=<>, ...``. A session (16 hexadecimal digits) is no
message: the queue ID is the message's (8 digits), the upper half of its envelopes' IDs.
"""

from __future__ import annotations

import re

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.syslog_frame import Frame, parse_frame
from smtpadmin.model.log import LogRecord
from smtpadmin.util.text import decode_line

Fields = dict[str, object]

_NEW = re.compile(
    r"([0-9a-f]{16}) (smtp|mta|mda|bounce|filter|lmtp|queue)\b ?(?:event=)?([a-z][a-z-]*)?"
)
_OLD = re.compile(r"(smtp-in|smtp-out|relay|delivery|bounce|mda|mta|lookup): (.*)$", re.S)
_OLD_ACCEPTED = re.compile(r"Accepted message ([0-9a-f]{8}) on session ([0-9a-f]{16})")
_OLD_SESSION = re.compile(
    r"(New session|Closing session|Started TLS on session|Received disconnect from session|Disconnecting session|Failed command on session) ([0-9a-f]{16})"
)
_OLD_RESULT = re.compile(r"(Ok|TempFail|PermFail|Loop) for ([0-9a-f]{16})")
_OLD_PEER = re.compile(r"from host (\S+) \[([^\]\s]+)\]")
_LEVEL = re.compile(r"(debug|info|warn|fatal|error): ")
_PAIR = re.compile(
    r"(?<![\w-])([a-z][a-z_-]{0,20}+)="
    r'(?:<((?:[^<>"\\]|\\.|"(?:[^"\\]|\\.)*+")*+)>|"((?:[^"\\]|\\.)*+)"|([^\s,]*))'
)
_REASON = re.compile(r"\breason=(.*)$", re.S)
_STATUS = {"Ok": "sent", "TempFail": "deferred", "PermFail": "bounced", "Loop": "bounced"}
_EVENTS = {
    "connected": "connect",
    "disconnected": "disconnect",
    "closed": "disconnect",
    "message": "queued",
    "envelope": "envelope",
    "failed-command": "reject",
    "bad-input": "reject",
    "tls": "tls",
    "starttls": "tls",
    "cert-check": "tls",
    "authentication": "auth",
    "delivery": "delivery",
    "connecting": "connecting",
    "error": "connect-failed",
    "host-rejects-all-mails": "connect-failed",
}
_LEVELS = {"warn": "warning"}


def parse_line(
    line: bytes,
    *,
    file: str | None = None,
    number: int | None = None,
    clock: LogClock | None = None,
) -> LogRecord:
    """One line, without its line end, as a record. Never raises."""
    frame = parse_frame(line, clock)
    if frame.time is None and frame.program in (None, "warn", "info", "debug", "fatal"):
        frame = Frame(None, None, "smtpd", None, frame.level, line.rstrip(b"\r\n"))
    message = decode_line(frame.message)
    level, event = frame.level, "other"
    queue_id: str | None = None
    fields: Fields = {}
    if frame.program == "smtpd":
        text = message
        if found := _LEVEL.match(text):
            level = _LEVELS.get(found[1], found[1])
            text = text[found.end() :]
        event, fields = _read(text)
        if event == "other" and level == "warning":
            event = "warning"
        queue_id = _message_of(fields)
    return LogRecord(
        raw=decode_line(line),
        event=event,
        time=frame.time,
        host=frame.host,
        program=frame.program,
        pid=frame.pid,
        level=level,
        queue_id=queue_id,
        fields=fields,
        message=message,
        file=file,
        line=number,
    )


def looks_like(line: bytes) -> bool:
    """Whether a line is of this log."""
    frame = parse_frame(line)
    text = frame.message if frame.program == "smtpd" else line if frame.time is None else b""
    shown = text[:200].decode("ascii", "replace")
    if found := _NEW.match(shown):
        return found[3] is not None
    old = _OLD.match(shown)
    if frame.program == "smtpd":
        return bool(old) or shown.startswith(("info: ", "warn: "))
    return bool(old and (_OLD_SESSION.match(old[2]) or _OLD_ACCEPTED.match(old[2])))


def _message_of(fields: Fields) -> str | None:
    envelope = fields.get("evpid")
    message = fields.get("msgid")
    if isinstance(envelope, str) and len(envelope) == 16:
        return envelope[:8]
    return message if isinstance(message, str) and len(message) == 8 else None


def _read(text: str) -> tuple[str, Fields]:
    if found := _NEW.match(text):
        session, component, what = found.groups()
        fields: Fields = {"session": session, "component": component}
        if what:
            fields["action"] = what
        fields |= _pairs(text[found.end() :])
        return _finish(_EVENTS.get(what or "", "other"), fields)
    if found := _OLD.match(text):
        return _read_old(found[1], found[2])
    if text.startswith("OpenSMTPD ") and text.rstrip().endswith("starting"):
        return "start", {}
    return "other", {}


def _read_old(component: str, text: str) -> tuple[str, Fields]:
    fields: Fields = {"component": component}
    if found := _OLD_ACCEPTED.match(text):
        fields |= {"msgid": found[1], "session": found[2]}
        return _finish("queued", fields | _pairs(text[found.end() :]))
    if found := _OLD_RESULT.match(text):
        fields |= {"result": found[1], "evpid": found[2]}
        return _finish("delivery", fields | _pairs(text[found.end() :]))
    if found := _OLD_SESSION.match(text):
        fields["session"] = found[2]
        if peer := _OLD_PEER.search(text[:600]):
            fields |= {"client_name": peer[1], "client_address": peer[2]}
        if found[1] == "Failed command on session":
            fields["reply"] = text[found.end() :].removeprefix(": ")
            return "reject", fields
        if found[1].startswith("Started"):
            return "tls", fields
        return ("connect" if found[1] == "New session" else "disconnect"), fields
    return "other", fields


def _finish(event: str, fields: Fields) -> tuple[str, Fields]:
    if event == "delivery":
        fields["status"] = _STATUS.get(str(fields.get("result")), "unknown")
        if "stat" in fields:
            fields["reply"] = fields["stat"]
    elif event == "reject" and "result" in fields:
        fields["reply"] = fields["result"]
    return event, fields


def _pairs(text: str) -> Fields:
    fields: Fields = {}
    for found in _PAIR.finditer(text):
        name, *values = found.groups()
        value = next(value for value in values if value is not None)
        number = name in ("size", "nrcpt", "ndest") and value.isdecimal() and len(value) < 19
        fields.setdefault(name, int(value) if number else value)
    if "reason" in fields and (reason := _REASON.search(text)):
        fields["reason"] = reason[1]
    return fields
