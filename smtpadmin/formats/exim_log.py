"""Lines of Exim's main, reject and panic logs, as files or by way of syslog.

Exim's specification, chapter "Log files". Message IDs have 16 characters up to 4.96 and 23 since
4.97; both may stand in one log. Lines without a stamp, which continue the one before or repeat a
refused message's headers, are ``other``.
"""

from __future__ import annotations

import re

from smtpadmin.formats.exim_fields import (
    NAMES,
    ON_ARRIVAL,
    Fields,
    host_fields,
    read_fields,
    read_host,
)
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.syslog_frame import Frame, parse_frame
from smtpadmin.model.log import LogRecord
from smtpadmin.util.text import decode_line

MESSAGE_ID = r"[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{11}-[0-9A-Za-z]{4}|[0-9A-Za-z]{6}-[0-9A-Za-z]{2})"
PROGRAM = "exim"
_HEAD = re.compile(
    rb"[\0\xef\xbb\xbf]*(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?(?: [+-]\d{4})?) (?:\[(\d{1,10})\] )?"
)
_ID = re.compile(rf"({MESSAGE_ID})(?: |$)")
_STARTS = re.compile(
    rb"(?:\[\d{1,10}\] )?(?:"
    + MESSAGE_ID.encode()
    + rb" |H=|[a-z_]+ authenticator failed |SMTP |(?:Start|End) queue run|refused connection|rejected "
    rb"|no (?:host name|IP address) found|TLS error on )"
)
_FLAG = re.compile(r"(<=|\(=|=>|->|>>|\*>|\*\*|==) ")
_ARRIVALS = ("<=", "(=")
_FIRST_FIELD = re.compile(
    r" (?=(?:F=<|P=<|R=|T=|S=|H=|X=|I=\[|C=\"|QT=|DT=|ST=|Q=|PRX=|CV=|DN=|A=)|(?:routing )?defer \()|(?<!^:blackhole): "
)
_SENDER = re.compile(r'"(?:[^"\\]|\\.)*+"\S*|\S+')
_DISCARDED = frozenset({":blackhole:", "blackhole", "discarded"})
_ADDRESSES = re.compile(r"(.*?)(?: \(([^()]*)\))?(?: <([^<>]*)>)?$", re.S)
_REJECTED = re.compile(
    r"(temporarily )?(?:rejected|refused) (connection|(?:HELO|EHLO|MAIL|RCPT|AUTH|STARTTLS|VRFY|EXPN|ETRN|QUIT"
    r"|after DATA|during [A-Z]+ [a-z ]*|by [a-z_]+\(\)|from|HELO or EHLO|EHLO or HELO|DATA|BDAT)\b[^<:]{0,80})"
    r"(?:<([^<>]*)>)?"
)
_AUTH = re.compile(r"(\S+) authenticator failed for ")
_CONNECTION = re.compile(
    r"(no MAIL in )?SMTP(?: command timeout on)? ?(?:\(?TLS\)? )?connection from "
)
_SET_ID = re.compile(r"\(set_id=([^)]*)\)")
_SUPPRESSED, _DEFERRED, _BOUNCED = "suppressed", "deferred", "bounced"
_STATUS = {"*>": _SUPPRESSED, "==": _DEFERRED, "**": _BOUNCED}
_ARRIVAL_NAMES = NAMES | ON_ARRIVAL

Read = tuple[str, Fields]


def parse_line(
    line: bytes,
    *,
    file: str | None = None,
    number: int | None = None,
    clock: LogClock | None = None,
) -> LogRecord:
    """One line, without its line end, as a record. Never raises.

    >>> parse_line(b"2026-03-02 09:44:33 1rABcd-000DEF-99 Completed", clock=LogClock()).event
    'removed'
    """
    frame = _frame(line, clock)
    message = decode_line(frame.message)
    ours = frame.program is not None and "exim" in frame.program
    queue_id, event, fields = _read(message) if ours else (None, "other", {})
    return LogRecord(
        decode_line(line),
        event,
        frame.time,
        frame.host,
        frame.program,
        frame.pid,
        frame.level,
        queue_id,
        fields,
        message,
        file,
        number,
    )


def looks_like(line: bytes) -> bool:
    """Whether a line is of this log."""
    if found := _HEAD.match(line):
        return (
            bool(_STARTS.match(line, found.end()))
            or b"exim " in line[found.end() : found.end() + 40]
        )
    frame = parse_frame(line)
    return frame.program is not None and "exim" in frame.program


def _frame(line: bytes, clock: LogClock | None) -> Frame:
    """Exim's own stamp, or syslog's header and then perhaps Exim's stamp too."""
    if found := _HEAD.match(line):
        return _own(found, line.rstrip(b"\r\n"), Frame(None, None, PROGRAM, None, None, b""), clock)
    frame = parse_frame(line, clock)
    if frame.program is not None and (found := _HEAD.match(frame.message)):
        return _own(found, frame.message, frame, clock)
    return frame


def _own(found: re.Match[bytes], text: bytes, frame: Frame, clock: LogClock | None) -> Frame:
    stamp, pid = found.groups()
    return Frame(
        (clock or LogClock()).moment(stamp) if clock or b" +" in stamp or b" -" in stamp else None,
        frame.host,
        frame.program,
        int(pid) if pid else frame.pid,
        frame.level,
        text[found.end() :],
    )


def _read(text: str) -> tuple[str | None, str, Fields]:
    found = _ID.match(text)
    queue_id = found[1] if found else None
    rest = text[found.end() :] if found else text
    if queue_id and (flag := _FLAG.match(rest)):
        reader = _arrival if flag[1] in _ARRIVALS else _delivery
        event, fields = reader(flag[1], rest[flag.end() :])
        return queue_id, event, fields
    event, fields = _words(rest)
    return queue_id, event, fields


def _arrival(flag: str, text: str) -> Read:
    """``<= SENDER [R=PARENT] H=... P=... S=... id=... T="..." from <> for RECIPIENTS``."""
    found = _SENDER.match(text)
    sender, end = (found[0], found.end()) if found else ("", 0)
    read = read_fields(text, end, _ARRIVAL_NAMES)
    fields: Fields = {"flag": flag, "from": "" if sender == "<>" else sender}
    fields |= {name: value for name, value in read.fields.items() if name != "from"}
    if "host" in fields:
        fields["client"] = fields.pop("host")
    if "message-id" in fields:
        fields["message-id"] = str(fields["message-id"]).removeprefix("<").removesuffix(">")
    if read.rest.startswith("for "):
        fields["to"] = read.rest[4:].split()
    fields["letters"] = read.letters
    return "queued", fields


def _delivery(flag: str, text: str) -> Read:
    """``=> ADDRESS (PARENT) <ORIGINAL> F=<> R=... T=... H=... C="..."``; after ``: `` the reason."""
    end = _FIRST_FIELD.search(text)
    named = _ADDRESSES.match(text[: end.start()] if end else text)
    to, parent, original = named.groups() if named else (text, None, None)
    if to.startswith("<") and to.endswith(">"):
        to = to[1:-1]
    read = read_fields(text, end.start() if end else len(text), NAMES)
    fields: Fields = {"flag": flag, "to": to}
    if parent is not None:
        fields["parent"] = parent
    if original is not None:
        fields["orig_to"] = original
    fields |= read.fields
    fields["status"] = _status(flag, to, fields)
    if "host" in fields:
        fields["relay"] = fields.pop("host")
        for name, relay in (
            ("client_name", "relay_name"),
            ("client_address", "relay_address"),
            ("client_port", "relay_port"),
        ):
            if name in fields:
                fields[relay] = fields.pop(name)
    if read.rest or "confirmation" in fields:
        fields["reply"] = read.rest or fields["confirmation"]
    fields["letters"] = read.letters
    return "delivery", fields


def _status(flag: str, to: str, fields: Fields) -> str:
    if flag in _STATUS:
        return _STATUS[flag]
    if to in _DISCARDED:
        return "discarded"
    return "sent" if "host" in fields else "delivered"


def _words(text: str) -> Read:
    """Lines that begin with words, or with the peer that they are about."""
    for start, event in _PREFIXES:
        if text.startswith(start):
            return event, _suffix_fields(text)
    for suffix, event in _ENDS:
        if suffix in text[:200]:
            return event, {}
    if found := _AUTH.match(text):
        return "auth", _auth(text, found)
    if found := _CONNECTION.match(text):
        return _connection(text, found)
    if text.startswith(
        ("H=", "U=", "F=", "refused ", "rejected ", "temporarily ", "SMTP protocol ")
    ):
        return _about_peer(text)
    return "other", {}


def _suffix_fields(text: str) -> Fields:
    if not text.startswith("Completed "):
        return {}
    read = read_fields(text, len("Completed "), NAMES)
    return {**read.fields, "letters": read.letters}


def _about_peer(text: str) -> Read:
    """``H=... F=<sender> rejected RCPT <recipient>: reason`` and what else begins with the peer."""
    rejected = _REJECTED.search(text)
    read = read_fields(text[: rejected.start()].rstrip() if rejected else text, 0, _ARRIVAL_NAMES)
    fields: Fields = dict(read.fields)
    if "host" in fields:
        fields["client"] = fields.pop("host")
    fields["letters"] = read.letters
    if rejected is None:
        return _unrejected(text, read.rest, fields), fields
    fields["action"] = "temporarily rejected" if rejected[1] else "rejected"
    stage, _, peer = rejected[2].strip().partition(" from ")
    fields["stage"] = stage
    if rejected[3] is not None:
        fields["from" if stage in ("MAIL", "from") else "to"] = rejected[3]
    reply = text[rejected.end() :]
    if peer or stage == "connection":
        fields |= _peer_in(peer or reply.removeprefix(" from "))
    fields["reply"] = reply.partition(": ")[2] if ": " in reply else reply.strip(" :")
    return "reject", fields


def _unrejected(text: str, rest: str, fields: Fields) -> str:
    """The event of a line that begins with a peer and is no refusal."""
    if rest.startswith("SMTP error from remote mail server"):
        fields["reply"] = rest
        return "remote-reply"
    words = text.partition("] ")[2]
    return "warning" if "Warning: " in words[:200] else _FAILED.get(words.split(" ")[0], "other")


def _peer_in(text: str) -> Fields:
    host = read_host(text.removeprefix("H="))
    return host_fields(host[0]) if host else {}


def _auth(text: str, found: re.Match[str]) -> Fields:
    fields: Fields = {"authenticator": found[1], "result": "failed"}
    host = read_host(text, found.end())
    if host:
        fields |= host_fields(host[0])
        fields["reply"] = text[host[1] :].removeprefix(": ")
    if user := _SET_ID.search(text[-600:]):
        fields["set_id"] = user[1]
    return fields


def _connection(text: str, found: re.Match[str]) -> Read:
    host = read_host(text, found.end())
    fields = host_fields(host[0]) if host else {}
    rest = text[host[1] :].strip() if host else text[found.end() :]
    if rest:
        fields["text"] = rest
    if rest.startswith("(TCP/IP connection count"):
        return "connect", fields
    event = (
        "lost-connection"
        if "lost" in rest[:40]
        else "timeout"
        if "timeout" in found[0]
        else "disconnect"
    )
    return event, fields


_PREFIXES: tuple[tuple[str, str], ...] = (
    ("Completed", "removed"),
    ("Frozen", "frozen"),
    ("frozen by ", "frozen"),
    ("Message is frozen", "frozen"),
    ("Unfrozen", "unfrozen"),
    ("unfrozen by ", "unfrozen"),
    ("cancelled by ", "cancelled"),
    ("removed by ", "delete"),
    ("Start queue run", "queue-run"),
    ("End queue run", "queue-run"),
    ("SMTP error from remote mail server", "remote-reply"),
    ("TLS error on connection", "tls"),
    ("TLS session", "tls"),
    ("SIGHUP received", "reload"),
    ("DKIM: ", "dkim"),
    ("Warning: ", "warning"),
    ("Spool file ", "warning"),
    ("SMTP connection lost ", "lost-connection"),
    ("unexpected disconnection ", "lost-connection"),
    ("Message has been frozen", "frozen"),
    ("no host name found ", "dns"),
    ("no IP address found ", "dns"),
)
_ENDS: tuple[tuple[str, str], ...] = (
    (" daemon started: pid=", "start"),
    ("marked delivered by ", "delivered-by-hand"),
    ("sender address changed to ", "sender-changed"),
    (" added by ", "recipient-added"),
)
_FAILED = {"Connection": "connect-failed", "No": "connect-failed", "Network": "connect-failed"}
