"""Lines of sendmail's log (Sendmail Installation and Operation Guide, "The System Log").

One line for a message's arrival (``from=``), one for each delivery attempt (``to=``, perhaps for
several recipients), each field ``name=value`` after a comma; ``stat=`` and ``reject=`` are free
text up to the end; before ``stat=`` may stand ``reply=``, what the other side said.
"""

from __future__ import annotations

import re

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.syslog_frame import parse_frame
from smtpadmin.model.log import LogRecord
from smtpadmin.util.text import decode_line

Fields = dict[str, object]

PROGRAMS = (
    "sendmail",
    "sm-mta",
    "sm-msp",
    "sendmail-msp",
    "mail.local",
    "sm-mta-rx",
    "sm-msp-queue",
)
_ID = re.compile(
    r"([0-9A-Za-z]{8}\d{5,10}|[A-Z]{3}\d{4,7}|[a-z]\d?[0-9A-Za-z]{6,7}\d{5,7}|NOQUEUE): "
)
_NAME = re.compile(r"(?:^|, ?)([A-Za-z][A-Za-z0-9_]{0,24})=")
_FREE = re.compile(r"(?:^|, )(stat|reject|discard|quarantine|Milter)=(.*)$", re.S)
_ADDRESS = re.compile(
    r'\s*(?:<((?:[^<>"\\]|\\.|"(?:[^"\\]|\\.)*+")*+)>|"((?:[^"\\]|\\.)*+)"|([^,<>"]+))(?:,|$)'
)
_RELAY = re.compile(r"(?:(\S+?)\.? )?\[([0-9A-Fa-f.:]+|IPv6:[0-9A-Fa-f.:]+)\]( \(may be forged\))?")
_NOTICE = re.compile(
    r"([0-9A-Za-z]{12,20}): ((?:DSN|return to sender|postmaster notify|sender notify)[^:]{0,80}): (.*)$",
    re.S,
)
_CLONE = re.compile(
    r"(?:([0-9A-Za-z]{12,20}): clone: |clone:? ([0-9A-Za-z]{12,20}), )owner=(\S{0,320})"
)
_CODE = re.compile(r"([245]\d\d)(?:[ -]([245]\.\d{1,3}\.\d{1,3}))?")
_INTEGERS = frozenset({"size", "nrcpts", "pri", "class", "bits"})


def parse_line(
    line: bytes,
    *,
    file: str | None = None,
    number: int | None = None,
    clock: LogClock | None = None,
) -> LogRecord:
    """One line, without its line end, as a record. Never raises."""
    frame = parse_frame(line, clock)
    message = decode_line(frame.message)
    queue_id: str | None = None
    event = "other"
    fields: Fields = {}
    if frame.program is not None and frame.program.startswith(PROGRAMS):
        found = _ID.match(message)
        queue_id = found[1] if found and found[1] != "NOQUEUE" else None
        event, fields = _read(message[found.end() :] if found else message)
    return LogRecord(
        raw=decode_line(line),
        event=event,
        time=frame.time,
        host=frame.host,
        program=frame.program,
        pid=frame.pid,
        level=frame.level,
        queue_id=queue_id,
        fields=fields,
        message=message,
        file=file,
        line=number,
    )


def looks_like(line: bytes) -> bool:
    """Whether a line is of this log."""
    program = parse_frame(line).program
    return program is not None and program.startswith(PROGRAMS)


def addresses(text: str) -> list[str]:
    """The addresses of a ``to=`` without their ``<>``.

    >>> addresses('<a@example.org>,<"b,c"@example.org>')
    ['a@example.org', '"b,c"@example.org']
    """
    found: list[str] = []
    at = 0
    while at < len(text) and (one := _ADDRESS.match(text, at)):
        found.append(next((part for part in one.groups() if part is not None), "").strip())
        at = one.end()
    if at < len(text):
        found.append(text[at:])
    return found


def _read(text: str) -> tuple[str, Fields]:
    if text.startswith(
        ("from=", "to=", "ruleset=", "arg1=", "STARTTLS=", "AUTH=", "stat=", "ctladdr=")
    ):
        fields = _pairs(text)
        return _event(fields), fields
    if text.startswith("Milter"):
        fields = _pairs(text.partition(": ")[2])
        return (_event(fields) if "reject" in fields else "milter"), fields
    if text.startswith("AUTH failure"):
        fields = {"result": "failed", **_pairs(text.partition(": ")[2])}
        _event(fields)
        return "auth", fields
    if found := _NOTICE.match(text):
        return "notification", {
            "notification_id": found[1],
            "notification": found[2],
            "reply": found[3],
        }
    if found := _CLONE.match(text):
        name, other = ("clone_id", found[1]) if found[1] else ("clone_of", found[2])
        return "clone", {name: other, "owner": found[3]}
    for start, event in _STARTS:
        if text.startswith(start):
            return event, {}
    if "... " in text and text.startswith("<"):
        to, _, reply = text.partition("... ")
        return "reject", {"to": addresses(to), "reply": reply}
    return "other", {}


def _pairs(text: str) -> Fields:
    """Values run up to the next name; the address list of ``to=`` may hold commas and ``=``."""
    fields: Fields = {}
    free = _FREE.search(text)
    head, _, answer = (text[: free.start()] if free else text).partition(", reply=")
    names = list(_NAME.finditer(head))
    for place, found in enumerate(names):
        end = names[place + 1].start() if place + 1 < len(names) else len(head)
        fields.setdefault(found[1], _value(found[1], head[found.end() : end].strip()))
    if answer:
        fields["reply"] = answer
    if free:
        fields[free[1]] = free[2]
    return fields


def _value(name: str, value: str) -> object:
    if name == "to":
        return addresses(value)
    if name in _INTEGERS and value.isdecimal() and len(value) < 19:
        return int(value)
    if name in ("from", "ctladdr", "arg1"):
        return value[1:-1] if value.startswith("<") and value.endswith(">") else value
    return value


def _event(fields: Fields) -> str:
    relay = fields.get("relay")
    if isinstance(relay, str) and (found := _RELAY.match(relay)):
        fields |= {"relay_name": found[1], "relay_address": found[2].removeprefix("IPv6:")}
    if "reject" in fields:
        fields["reply"] = fields["reject"]
        if code := _CODE.match(str(fields["reject"])):
            fields["code"] = int(code[1])
        return "reject"
    if "STARTTLS" in fields:
        return "tls"
    if "AUTH" in fields:
        return "auth"
    if "to" in fields and "stat" in fields:
        stat = str(fields["stat"])
        fields["status"] = _status(stat)
        fields.setdefault("reply", stat)
        return "delivery"
    if "from" in fields:
        if "msgid" in fields:
            fields["message-id"] = str(fields["msgid"]).removeprefix("<").removesuffix(">")
        return "queued"
    return "discard" if "discard" in fields else "other"


def _status(stat: str) -> str:
    if stat.startswith("Sent"):
        return "sent"
    return "deferred" if stat.startswith(("Deferred", "queued", "Queued")) else "bounced"


_STARTS: tuple[tuple[str, str], ...] = (
    ("starting daemon", "start"),
    ("restarting ", "reload"),
    ("connect from ", "connect"),
    ("lost input channel from ", "lost-connection"),
    ("timeout waiting for input from ", "timeout"),
    ("done; ", "removed"),
    ("discarded", "discard"),
    ("rejecting ", "reject"),
)
