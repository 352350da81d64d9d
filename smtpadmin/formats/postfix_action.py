"""Postfix's lines about what a rule did: ``ACTION: STAGE from CLIENT: TEXT; from=<> to=<> ...``.

smtpd (src/smtpd/smtpd_check.c), postscreen, milters and header checks in cleanup write them. What
strangers sent stands in them unquoted, so the pairs at the end are read from the end that they
cannot reach: after the address that begins a reply, or from the right for headers.
"""

from __future__ import annotations

import re

from smtpadmin.formats.postfix_grammar import ADDRESS, PEER, Fields, client_fields

EVENTS = {
    "reject": "reject",
    "milter-reject": "reject",
    "proxy-reject": "reject",
    "reject_warning": "reject-warning",
    "hold": "hold",
    "milter-hold": "hold",
    "discard": "discard",
    "milter-discard": "discard",
    "proxy-accept": "proxy",
    "proxy-discard": "discard",
    "warn": "warning",
    "warning": "warning",
    "info": "info",
    "redirect": "redirect",
    "filter": "filter",
    "bcc": "bcc",
    "prepend": "prepend",
    "replace": "replace",
    "strip": "strip",
    "ignore": "ignore",
    "delay": "delay",
    "trigger": "trigger",
    "permit": "permit",
    "pass": "pass",
}
"""Action as logged -> event. ``milter-...`` of every other kind is the event ``milter``."""
_ACTION = re.compile(r"([a-z_]+(?:-[a-z]+){0,4}): ")
_STAGE = re.compile(rf"([A-Z][A-Z -]{{0,30}}?)(?: \(\d+ bytes\))?(?: from ({PEER}))?: ")
_CONTENT = re.compile(r"((?:mime-|nested-|smtp-)?header|body) ")
_ORIGIN = re.compile(r" from (\S+)$")
_REPLY_ADDRESS = re.compile(rf"(?:\d{{3}} )?(?:\d\.\d{{1,3}}\.\d{{1,3}} )?<{ADDRESS}>:")
_CODE = re.compile(r"(?:(\d{3})[ -])?(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?")
_TAIL_START = re.compile(r"; (?:from=<|to=<|proto=|helo=|client=)")
_TAIL = re.compile(
    rf";(?: client={PEER})?(?: from=<({ADDRESS})>)?(?:,? to=<({ADDRESS})>)?(?:,? proto=([A-Z0-9]*))?"
    r"(?:,? helo=(?:<(.*?)>)?)?((?: sasl_\w{1,20}=\S*+){0,6})(?:: (.*))?$",
    re.S,
)
_SASL = re.compile(r"(sasl_\w+)=(\S*)")


def action(text: str) -> tuple[str, Fields] | None:
    """Event and fields of such a line (text after the queue ID or NOQUEUE); None for another."""
    found = _ACTION.match(text)
    if found is None:
        return None
    name = found[1]
    event = EVENTS.get(name) or ("milter" if name.startswith("milter-") else None)
    if event is None:
        return None
    fields: Fields = {"action": name}
    rest = text[found.end() :]
    if content := _CONTENT.match(rest):
        _of_content(fields, content[1], rest[content.end() :])
    elif stage := _STAGE.match(rest):
        fields["stage"] = stage[1]
        if stage[2]:
            fields |= client_fields(stage[2])
        _of_reply(fields, rest[stage.end() :])
    else:
        _of_reply(fields, rest)
    return event, fields


def _of_reply(fields: Fields, text: str) -> None:
    """``550 5.1.1 <a@example.org>: text; from=<> to=<> proto=ESMTP helo=<>``."""
    address = _REPLY_ADDRESS.match(text)
    start = _TAIL_START.search(text, address.end() if address else 0)
    tail = _TAIL.match(text, start.start()) if start else None
    if tail is None and start is not None:
        last = max(text.rfind("; from=<"), text.rfind("; proto="))
        tail = _TAIL.match(text, last) if last > start.start() else None
    reply = text[: tail.start()] if tail else text
    fields["reply"] = reply
    if (code := _CODE.match(reply)) and code[0]:
        if code[1]:
            fields["code"] = int(code[1])
        if code[2]:
            fields["dsn"] = code[2]
    if tail:
        _add_tail(fields, tail)


def _of_content(fields: Fields, kind: str, text: str) -> None:
    """``Subject: x from NAME[IP]; from=<> to=<> proto=ESMTP helo=<>: reason``."""
    fields["stage"] = kind
    start = text.rfind("; from=<")
    tail = _TAIL.match(text, start) if start >= 0 else None
    content = text[: tail.start()] if tail else text
    if origin := _ORIGIN.search(content[-600:]):
        fields |= client_fields(origin[1])
        content = content[: len(content) - len(origin[0])]
    fields["content"] = content
    if tail:
        _add_tail(fields, tail)
        if (reply := tail[6]) is not None:
            fields["reply"] = reply


def _add_tail(fields: Fields, tail: re.Match[str]) -> None:
    for name, value in zip(("from", "to", "proto", "helo"), tail.groups()[:4], strict=True):
        if value is not None:
            fields[name] = value
    for name, value in _SASL.findall(tail[5] or ""):
        fields[name] = value.removeprefix("<").removesuffix(">").rstrip(",")
