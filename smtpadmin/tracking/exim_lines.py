"""Exim's lines as the search needs them. Message IDs are never used again, and come in two lengths
(4.96 and before; 4.97 and later), both perhaps in one log.

:mod:`smtpadmin.formats.exim_log` takes a whole line apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smtpadmin.formats.exim_log import parse_line
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.tracking.dialect import Dialect, Kind, Link, Own
from smtpadmin.tracking.exim_messages import assemble, refused

_ID = rb"[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{11}-[0-9A-Za-z]{4}|[0-9A-Za-z]{6}-[0-9A-Za-z]{2})"
_STAMP = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})? (?:\[\d+\] )?"
_SYSLOG = (
    rb"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d\S*|\d{4}-\d\d-\d\dT\S+)"
    rb" +(\S+) \S*exim\S*: "
)
_OWN = re.compile(
    rb"[\0]*(?:" + _SYSLOG + rb"(?:" + _STAMP + rb")?|" + _STAMP + rb")(" + _ID + rb") (.*)", re.S
)
_ALONE = re.compile(rb"(?:^|[ \]])(?:temporarily )?(?:rejected|refused) (?:RCPT|MAIL|DATA|BDAT)\b")
_PARENT = re.compile(rb"<= \S+ (?:\([^ ]*\) )?R=(" + _ID + rb")(?: |$)")
_NEXT = re.compile(rb" C=\"[^\"]*\bid=(" + _ID + rb")")
_LOCAL = re.compile(rb" H=(?:[^ ]+ )?(?:\([^ ]*\) )?\[(?:127\.|::1\])")
_REFUSAL = re.compile(
    rb"(?:H|U)=.* (?:temporarily )?(?:rejected|refused) (?:after DATA|by |during )"
)
_HANDED_OVER = (b"=> ", b"-> ", b">> ")


def own(line: bytes) -> Own | None:
    """The line as one of a message ID; None for any other.

    >>> own(b"2026-03-02 09:44:33 [7] 1rABcd-000DEF-99 Completed").queue_id
    b'1rABcd-000DEF-99'
    """
    found = _OWN.match(line)
    if found is None:
        return None
    host, queue_id, text = found.groups()
    return Own(host or b"", queue_id, b"exim", text)


def kind(line: Own) -> Kind:
    """Where in its message's life a line stands."""
    text = line.text
    if text.startswith((b"<= ", b"(= ")):
        return Kind.BIRTH
    if text.startswith(b"Completed"):
        return Kind.END
    if text.startswith((b"H=", b"U=")) and _REFUSAL.match(text):
        return Kind.ABORT
    return Kind.OTHER


def links(line: Own) -> Sequence[Link]:
    """``R=`` on an arrival names the message that a notification is about; ``C="... id=ID"`` of a
    host that is this machine the next leg."""
    text = line.text
    if text.startswith(b"<= ") and (found := _PARENT.match(text)):
        return (Link(found[1], "notification", up=True),)
    if text.startswith(_HANDED_OVER) and (found := _NEXT.search(text)) and _LOCAL.search(text):
        return (Link(found[1], "reinjected", up=False),)
    return ()


def alone(line: bytes) -> bool:
    """Whether the line is a refusal before a message ID was given."""
    return _ALONE.search(line) is not None and own(line) is None


def local_birth(line: Own) -> bool:
    """Whether a message may have come from this machine."""
    return _LOCAL.search(line.text) is not None


def child_fits(link: str, first: Own) -> bool:
    """Whether a life with this first line can be what a line with such a link names."""
    if kind(first) is not Kind.BIRTH:
        return True
    if link == "notification":
        return _PARENT.match(first.text) is not None
    return local_birth(first)


DIALECT = Dialect(
    name="exim",
    own=own,
    kind=kind,
    links=links,
    alone=alone,
    local_birth=local_birth,
    child_fits=child_fits,
    reused=False,
    anchor=b" ",
    parse=parse_line,
    assemble=assemble,
    refused=refused,
    alone_words=(b"rejected RCPT", b"rejected MAIL", b"rejected DATA", b"rejected BDAT"),
    up_words=(b" <= <> R=",),
    link_words=(b" R=", b"id="),
    null_sender=" <= <> ",
    status_text={
        DeliveryStatus.BOUNCED: " ** ",
        DeliveryStatus.EXPIRED: "retry timeout exceeded",
        DeliveryStatus.DEFERRED: " == ",
    },
    early=64 * 1024,
)
