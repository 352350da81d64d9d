"""Haraka's log in its three formats: default, logfmt and JSON (``log.ini``).

``TIME [LEVEL] [UUID] [plugin] text name=value ...``. A connection is a UUID, its transactions are
``UUID.N``: these are the queue IDs.
"""

from __future__ import annotations

import re
from datetime import datetime

from smtpadmin.formats.json_line import read_object, text_of
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.syslog_frame import Frame, parse_frame
from smtpadmin.model.log import LogRecord
from smtpadmin.util.text import decode_line

Fields = dict[str, object]

PROGRAM = "haraka"
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) ")
_DEFAULT = re.compile(
    r"\[(DATA|PROTOCOL|DEBUG|INFO|NOTICE|WARN|ERROR|CRIT|ALERT|EMERG)\] \[([^\]\s]{1,80})\] \[([^\]]{0,80})\] ?(.*)$",
    re.S,
)
_LOGFMT = re.compile(r"level=[A-Z]+ ")
_PAIR = re.compile(
    r'(?<![\w.-])([A-Za-z][\w.-]{0,30}+)=(?:<([^<>]*+)>|"((?:[^"\\]|\\.)*+)"|([^\s"<]\S*|))(?= |$)'
)
_ADDRESS = re.compile(r"(sender|recipient) <([^<>]*)>")
_OUTCOME = re.compile(r"recipient <([^<>]*)> (deferred|rejected|bounced): (.*)$", re.S)
_REPLY = re.compile(r"(\d{3}) (?:([245]\.\d{1,3}\.\d{1,3}) )?")
_TEMP_FAIL = re.compile(r"Temp failing (\S+) for (\d{1,12}) seconds: (.*)$", re.S)
_TRANSACTION = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27}(?:\.\d{1,6}){1,3}")
_STATUS = {"deferred": "deferred", "rejected": "bounced", "bounced": "bounced"}
_LEVELS = {
    "WARN": "warning",
    "EMERG": "emerg",
    "PROTOCOL": "debug",
    "DATA": "debug",
}
_WORDS = {
    "connect": "connect",
    "disconnect": "disconnect",
    "sender": "sender",
    "recipient": "recipient",
    "message": "message",
    "queue": "queued",
    "delivered": "delivery",
    "bouncing": "bounce",
    "auth": "auth",
    "tls": "tls",
}


def parse_line(
    line: bytes,
    *,
    file: str | None = None,
    number: int | None = None,
    clock: LogClock | None = None,
) -> LogRecord:
    """One line, without its line end, as a record. Never raises."""
    time, host, _, pid, _, body = _frame(line.rstrip(b"\r\n"), clock)
    read = _read(body)
    text = decode_line(body)
    level, uuid, plugin, message, fields = read or (None, None, None, text, {})
    event = "other"
    if read:
        event = _event(message, fields)
        if plugin:
            fields["plugin"] = plugin
        if uuid and uuid != "-":
            fields["uuid"] = uuid
    queue_id = uuid if uuid and _TRANSACTION.fullmatch(uuid) else None
    return LogRecord(
        raw=decode_line(line),
        event=event,
        time=time or _json_time(fields),
        host=host,
        program=PROGRAM if read else None,
        pid=pid,
        level=_LEVELS.get(level, level.lower()) if level else None,
        queue_id=queue_id,
        fields=fields,
        message=text,
        file=file,
        line=number,
    )


def _frame(body: bytes, clock: LogClock | None) -> Frame:
    """Haraka's own stamp, syslog's header, or none."""
    if stamp := _STAMP.match(body):
        time = (clock or LogClock()).moment(stamp[1])
        return Frame(time, None, PROGRAM, None, None, body[stamp.end() :])
    if not body.startswith((b"{", b"[", b"level=")):
        frame = parse_frame(body, clock)
        if frame.program and frame.program.startswith(PROGRAM):
            return frame
    return Frame(None, None, None, None, None, body)


def looks_like(line: bytes) -> bool:
    """Whether a line is of this log."""
    body = line.rstrip(b"\r\n")
    if stamp := _STAMP.match(body):
        body = body[stamp.end() :]
    text = body[:400].decode("ascii", "replace")
    if _DEFAULT.match(text):
        return True
    if _LOGFMT.match(text):
        return " uuid=" in text or " plugin=" in text or " source=" in text
    return body.startswith(b"{") and b'"level"' in body and b'"uuid"' in body


_Parts = tuple[str | None, str | None, str | None, str, Fields]


def _read(body: bytes) -> _Parts | None:
    """Level, UUID, plugin, text and fields in whichever format."""
    if body.startswith(b"{"):
        return _json(body)
    text = decode_line(body)
    if found := _DEFAULT.match(text):
        level, uuid, plugin, message = found.groups()
        return level, uuid, plugin, message.strip(), _pairs(message)
    if _LOGFMT.match(text):
        fields = _pairs(text)
        level, uuid = fields.pop("level", None), fields.pop("uuid", None)
        source = (
            fields.pop("plugin", None) or fields.pop("origin", None) or fields.pop("source", None)
        )
        message = str(fields.get("message", ""))
        return text_of(level), text_of(uuid), text_of(source), message, fields
    return None


def _json(body: bytes) -> _Parts | None:
    found = read_object(body)
    if found is None or "level" not in found:
        return None
    level, uuid = text_of(found.pop("level")), text_of(found.pop("uuid", None))
    source = text_of(found.pop("plugin", None)) or text_of(found.pop("origin", None))
    return level, uuid, source, text_of(found.get("message")) or "", found


def _json_time(fields: Fields) -> datetime | None:
    stamp = fields.get("timestamp")
    return LogClock().moment(stamp[:40].encode()) if isinstance(stamp, str) else None


def _pairs(text: str) -> Fields:
    fields: Fields = {}
    for found in _PAIR.finditer(text):
        name, address, quoted, bare = found.groups()
        value = next(part for part in (address, quoted, bare) if part is not None)
        fields.setdefault(name, value.replace('\\"', '"') if quoted is not None else value)
    return fields


def _event(message: str, fields: Fields) -> str:
    """What a text tells; addresses and replies in it are added to the fields."""
    if found := _OUTCOME.match(message):
        fields |= {"to": found[1], "status": _STATUS[found[2]], "reply": found[3]}
        if reply := _REPLY.match(found[3]):
            fields["code"] = int(reply[1])
            if reply[2]:
                fields["dsn"] = reply[2]
        return "delivery"
    if found := _ADDRESS.match(message):
        fields["from" if found[1] == "sender" else "to"] = found[2]
        refused = str(fields.get("code", "")).startswith("DENY")
        return "reject" if refused else found[1]
    if found := _TEMP_FAIL.match(message):
        fields |= {"file": found[1], "retry_in": int(found[2]), "reply": found[3]}
        return "deferred"
    if message.startswith("delivered file="):
        fields["status"] = "sent"
        if "response" in fields:
            fields["reply"] = message.partition(" response=")[2].partition(" delay=")[0]
        return "delivery"
    if message.startswith("bouncing mail: "):
        fields["reply"] = message.partition(": ")[2]
    if message.startswith("Starting up Haraka"):
        return "start"
    word = message.split(" ", 1)[0]
    if word == "queue" and fields.get("code") != "OK":
        return "queue"
    return _WORDS.get(word, "other")
