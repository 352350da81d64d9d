"""Lines of Postfix's log, whichever process wrote them and whatever the service is called.

The tag is ``syslog_name/process``, with the instance and the service in it when they have names:
``postfix-out/submission/smtpd``. Only the last part counts, and the first word of the text tells
its shape. Lines of other programs in the same file are ``other`` and never have a queue ID, even
when their text imitates one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.postfix_action import action
from smtpadmin.formats.postfix_delivery import delivery
from smtpadmin.formats.postfix_grammar import ADDRESS, QUEUE_ID, Fields, client_fields, pairs
from smtpadmin.formats.postfix_programs import is_postfix
from smtpadmin.formats.postfix_session import READERS, ended, sasl_failure
from smtpadmin.formats.syslog_frame import Frame, parse_frame
from smtpadmin.model.log import LogRecord
from smtpadmin.util.text import decode_line

_LEVEL = re.compile(r"(warning|error|fatal|panic): ")
_ID = re.compile(rf"({QUEUE_ID}|NOQUEUE): ")
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]*")
_REPEATED = re.compile(r"(?:last )?message repeated (\d{1,9}) times(?:: \[ ?(.*?)\]?)?$", re.S)
_BARE_ACTIONS = ("milter-", "reject: ")
"""Before Postfix 2.6 some refusals came without NOQUEUE."""
_CLIENT_KEY = "client="
_QUEUED = re.compile(
    rf"from=<({ADDRESS})>, size=(\d{{1,18}}), nrcpt=(\d{{1,9}})(?: \(queue (\w+)\))?"
)
_RETURNED = re.compile(rf"from=<({ADDRESS})>, status=([\w-]+)(?:, (.*))?$", re.S)
_MESSAGE_ID = re.compile(r"(?:resent-)?message-id=")
_NOTIFICATION = re.compile(
    rf"(sender|postmaster) (non-delivery|delay|delivery status|success) notification: ({QUEUE_ID})"
)
_NOT_NOTIFIED = re.compile(r"(sender|postmaster) notification failed to (\S+): (.*)$", re.S)
_SAID = re.compile(r"host (\S+) (?:said|refused to talk to me): (.*)$", re.S)
_DONE = {
    "removed": "removed",
    "requeued": "requeue",
    "placed on hold": "hold",
    "released from hold": "release",
    "expired": "expired",
    "canceled": "removed",
    "skipped, still being delivered": "skipped",
}

_Read = tuple[str, Fields] | None


def parse_line(
    line: bytes,
    *,
    file: str | None = None,
    number: int | None = None,
    clock: LogClock | None = None,
) -> LogRecord:
    """One line, without its line end, as a record. Never raises.

    >>> parse_line(b"Jun  6 23:34:18 mx1 postfix/qmgr[9]: A1B2C3: removed").queue_id
    'A1B2C3'
    """
    return record_of(parse_frame(line, clock), line, file, number)


def record_of(frame: Frame, line: bytes, file: str | None, number: int | None) -> LogRecord:
    """The record of a line whose frame is known already."""
    message = decode_line(frame.message)
    fields: Fields = {}
    queue_id, level, event = None, frame.level, "other"
    if frame.program is not None and is_postfix(frame.program):
        queue_id, said, event, fields = read_message(message)
        level = said or level
    elif found := _REPEATED.match(message):
        event, fields = "repeated", _repeated(found)
    return LogRecord(
        decode_line(line),
        event,
        frame.time,
        frame.host,
        frame.program,
        frame.pid,
        level,
        queue_id,
        fields,
        message,
        file,
        number,
    )


def read_message(text: str) -> tuple[str | None, str | None, str, Fields]:
    """Queue ID, level word, event and fields of the text after the tag."""
    level = None
    if found := _LEVEL.match(text):
        level = found[1]
        text = text[found.end() :]
    elif found := _ID.match(text):
        read = _with_id(text[found.end() :])
        queue_id = None if found[1] == "NOQUEUE" else found[1]
        return queue_id, None, *(read or ("other", {}))
    event, fields = _without_id(text) or (level or "other", {})
    return None, level, event, fields


def _with_id(text: str) -> _Read:
    word = _WORD.match(text)
    handler = (_AFTER_ID.get(word[0]) or READERS.get(word[0])) if word else None
    return (handler(text) if handler else None) or action(text)


def _without_id(text: str) -> _Read:
    if found := _REPEATED.match(text):
        return "repeated", _repeated(found)
    word = _WORD.match(text)
    reader = READERS.get(word[0]) if word else None
    read = (reader(text) if reader else None) or sasl_failure(text)
    return action(text) if read is None and text.startswith(_BARE_ACTIONS) else read


def _repeated(found: re.Match[str]) -> Fields:
    """Another program's wrapper around a line: no line of that process, nor of that queue ID."""
    return {"times": int(found[1])} | ({"text": found[2].rstrip()} if found[2] else {})


def _delivery(text: str) -> _Read:
    fields = delivery(text)
    return ("delivery", fields) if fields else None


def _from(text: str) -> _Read:
    if found := _QUEUED.match(text):
        return "queued", {"from": found[1], "size": int(found[2]), "nrcpt": int(found[3])}
    if found := _RETURNED.match(text):
        event = "expired" if "expired" in found[2] else found[2]
        return event, {"from": found[1], "status": found[2], "reply": found[3] or ""}
    fields = pairs(text)
    return ("queued" if "size" in fields else "other"), fields


def _client(text: str) -> _Read:
    client, _, rest = text[len(_CLIENT_KEY) :].partition(", ")
    return "client", client_fields(client) | (pairs(rest) if rest else {})


def _pickup(text: str) -> _Read:
    return "pickup", pairs(text)


def _message_id(text: str) -> _Read:
    """``message-id=<...>``: without the brackets where it has both, else as logged. syslog writes
    line feeds as ``#012``; they are no part of the ID."""
    name, _, value = text.partition("=")
    value = value.replace("#012", "").strip()
    if value.startswith("<") and value.endswith(">"):
        value = value[1:-1]
    return "message-id", {name: value}


def _notification(text: str) -> _Read:
    if found := _NOTIFICATION.match(text):
        names = ("notified", "notification", "notification_id")
        return "notification", dict(zip(names, found.groups(), strict=True))
    if found := _NOT_NOTIFIED.match(text):
        to = found[2].removeprefix("<").removesuffix(">")
        return "notification", {
            "notified": found[1],
            "notification": "failed",
            "to": to,
            "reply": found[3],
        }
    return None


def _done(text: str) -> _Read:
    """The end, or the new place, of a queue file; ``removed (canceled)`` gives its reason."""
    event = _DONE.get(text)
    if event is not None:
        return event, {"reason": "canceled"} if text == "canceled" else {}
    if text.startswith("removed (") and text.endswith(")"):
        return "removed", {"reason": text[9:-1]}
    return None


def _said(text: str) -> _Read:
    found = _SAID.match(text)
    return ("remote-reply", {"relay": found[1], "reply": found[2]}) if found else None


def _lost(text: str) -> _Read:
    if read := ended(text):
        return read
    return (
        ("lost-connection", {"reason": text}) if text.startswith("lost connection with ") else None
    )


def _conversation(text: str) -> _Read:
    return "lost-connection", {"reason": text}


_AFTER_ID: dict[str, Callable[[str], _Read]] = {
    "to": _delivery,
    "from": _from,
    "client": _client,
    "uid": _pickup,
    "message-id": _message_id,
    "resent-message-id": _message_id,
    "sender": _notification,
    "postmaster": _notification,
    "host": _said,
    "lost": _lost,
    "conversation": _conversation,
    "removed": _done,
    "requeued": _done,
    "placed": _done,
    "released": _done,
    "expired": _done,
    "canceled": _done,
    "skipped": _done,
}
"""First word after the queue ID -> what reads the text; other words may be a rule's action."""
