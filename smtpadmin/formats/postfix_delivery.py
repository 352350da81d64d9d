"""Postfix's delivery lines: ``to=<R>, relay=H, delay=D, ..., dsn=X.Y.Z, status=S (TEXT)``.

smtp, lmtp, local, virtual, pipe, error, discard, bounce and verify write them (src/global/
log_adhoc.c). The text is the remote side's: it may hold brackets and things that look like fields.
"""

from __future__ import annotations

import re

from smtpadmin.formats.postfix_grammar import ADDRESS, Fields, pairs, seconds

_USUAL = re.compile(
    rf"to=(?:<({ADDRESS})>|([^\s<>,]*))"
    rf"(?:, orig_to=(?:<({ADDRESS})>|([^\s<>,]*)))?"
    r", relay=([^\s,]*)"
    r"(?:, conn_use=(\d{1,9}))?"
    r"(?:, delay=([\d.]+))?"
    r"(?:, delays=([\d./]+))?"
    r"(?:, tls=([^\s,]*))?"
    r"(?:, dsn=(\d\.\d{1,3}\.\d{1,3}))?"
    r", status=([\w-]+)(?: |$)"
)
_STATUS = re.compile(r", status=([\w-]+)(?: |$)")
_FORWARDED = "forwarded as "


def delivery(text: str) -> Fields | None:
    """The fields of a delivery line (text after the queue ID); None for another line."""
    found = _USUAL.match(text)
    if found is None:
        return _unusual(text)
    to, bare, original, bare_original, relay, uses, delay, delays, tls, dsn, status = found.groups()
    fields: Fields = {"to": bare if to is None else to}
    if original is not None or bare_original is not None:
        fields["orig_to"] = bare_original if original is None else original
    fields["relay"] = relay
    if uses is not None:
        fields["conn_use"] = int(uses)
    if delay is not None:
        fields["delay"] = seconds(delay)
    if delays is not None:
        fields["delays"] = delays
    if tls is not None:
        fields["tls"] = tls
    if dsn is not None:
        fields["dsn"] = dsn
    fields["status"] = status
    _add_reply(fields, text[found.end() :])
    return fields


def _unusual(text: str) -> Fields | None:
    """Fields in another order, or ones not known: the first status ends them."""
    found = _STATUS.search(text)
    if found is None:
        return None
    fields = pairs(text[: found.start()])
    if "to" not in fields:
        return None
    fields["status"] = found[1]
    _add_reply(fields, text[found.end() :])
    return fields


def _add_reply(fields: Fields, rest: str) -> None:
    """The text in the outer bracket; a line that syslog cut has no closing one."""
    if not rest:
        return
    reply = rest.removeprefix("(").removesuffix(")") if rest.startswith("(") else rest
    fields["reply"] = reply
    if reply.startswith(_FORWARDED):
        fields["forwarded_as"] = reply[len(_FORWARDED) :].split(" ", 1)[0]
