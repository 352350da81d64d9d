"""Postfix's lines as the search needs them: anchored queue IDs, births, ends and links.

An ID counts only after the tag of a Postfix process (``…/process[pid]: ID: ``), never as a bare
word. :mod:`smtpadmin.formats.postfix_log` takes a whole line apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smtpadmin.formats.postfix_log import parse_line
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.tracking.dialect import SYSLOG_STAMP, Dialect, Kind, Link, Own
from smtpadmin.tracking.dovecot_lines import session_named, session_of
from smtpadmin.tracking.postfix_messages import assemble, refused

QUEUE_ID = rb"(?:[0-9A-F]{6,15}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20})"
_OWN = re.compile(
    SYSLOG_STAMP + rb" +(\S+) \S*/([a-z_-]+)\[\d+\]: (" + QUEUE_ID + rb"): (.*)",
    re.S,
)
_ALONE = re.compile(
    rb"/(?:smtpd|postscreen|cleanup)\[\d+\]: NOQUEUE: (?:(?:milter-|proxy-)?reject|discard|milter-discard): "
)
_QUEUED_AS = re.compile(rb".*\bqueued as (" + QUEUE_ID + rb")\b", re.S)
_FORWARDED = re.compile(rb"status=sent \(forwarded as (" + QUEUE_ID + rb")\)?")
_NOTIFICATION = re.compile(
    rb"(?:sender|postmaster) [a-z -]+ notification: (" + QUEUE_ID + rb")\s*$"
)
_ORIGINAL = re.compile(rb"\borig(?:_queue)?_id=(" + QUEUE_ID + rb")\b")
_LOCAL_RELAY = re.compile(
    rb", relay=(?:localhost\b|[^,]*\[(?:127\.|::1\]|::ffff:127\.|/|private/|public/))"
)
_REFUSALS = (b"milter-reject: END-OF-MESSAGE", b"reject: header ", b"reject: body ")
_LOCAL_CLIENT = re.compile(rb"client=[^,]*\[(?:127\.|::1\]|::ffff:127\.|unknown\])")


def own(line: bytes) -> Own | None:
    """The line as one of a queue ID; None for any other.

    >>> own(b"Jun  6 23:34:18 mx1 postfix/qmgr[9]: A1B2C3: removed").queue_id
    b'A1B2C3'
    """
    found = _OWN.match(line)
    if found is None:
        return None
    host, process, queue_id, text = found.groups()
    return Own(host, queue_id, process, text)


def kind(line: Own) -> Kind:
    """Where in its ID's life a line stands."""
    text = line.text
    if text.startswith((b"client=", b"uid=")):
        return Kind.BIRTH
    if text.startswith((b"message-id=", b"resent-message-id=")):
        return Kind.CREATED
    if text.startswith((b"removed", b"requeued", b"canceled")):
        return Kind.END
    if line.process == b"cleanup" and text.startswith(_REFUSALS):
        return Kind.ABORT
    return Kind.QUEUED if line.process in (b"qmgr", b"nqmgr", b"oqmgr") else Kind.OTHER


def links(line: Own) -> Sequence[Link]:
    """Other IDs that the line names. ``queued as`` counts only of a relay on this machine: the ID
    of another one means nothing here."""
    text = line.text
    if text.startswith(b"to="):
        return _of_delivery(text)
    if b" notification: " in text and (found := _NOTIFICATION.match(text)):
        return (Link(found[1], "notification", up=False),)
    if text.startswith(b"client=") and (found := _ORIGINAL.search(text)):
        return (Link(found[1], "reinjected", up=True),)
    if text.startswith(b"uid=") and (found := _ORIGINAL.search(text)):
        return (Link(found[1], "requeued", up=True),)
    return ()


def _of_delivery(text: bytes) -> Sequence[Link]:
    if b"queued as " in text and _LOCAL_RELAY.search(text) and (found := _QUEUED_AS.match(text)):
        return (Link(found[1], "reinjected", up=False),)
    if b"(forwarded as " in text and (found := _FORWARDED.search(text)):
        return (Link(found[1], "forwarded", up=False),)
    return ()


def alone(line: bytes) -> bool:
    """Whether the line is a refusal before a queue ID was given."""
    return b"NOQUEUE: " in line and _ALONE.search(line) is not None


def local_birth(line: Own) -> bool:
    """Whether a first line may have been caused by another ID's delivery on this machine."""
    return not line.text.startswith((b"client=", b"uid=")) or bool(_LOCAL_CLIENT.match(line.text))


def child_fits(link: str, first: Own) -> bool:
    """Whether a life with this first line can be what a line with such a link names. IDs are used
    again: a message that a stranger handed in is no notification. Of a life whose birth is not in
    the log nothing can be said against it."""
    born = kind(first)
    if born is Kind.BIRTH:
        if link == "requeued":
            return first.text.startswith(b"uid=")
        return link == "reinjected" and bool(_LOCAL_CLIENT.match(first.text))
    return born is not Kind.CREATED or link in ("notification", "forwarded")


DIALECT = Dialect(
    name="postfix",
    own=own,
    kind=kind,
    links=links,
    alone=alone,
    local_birth=local_birth,
    child_fits=child_fits,
    reused=True,
    anchor=b"]: ",
    parse=parse_line,
    assemble=assemble,
    refused=refused,
    alone_words=(b"]: NOQUEUE: ",),
    up_words=(b" orig_queue_id=", b" orig_id="),
    link_words=(b"queued as ", b" notification: ", b"(forwarded as ", b" orig_", b" Saved)"),
    null_sender="from=<>",
    status_text={
        DeliveryStatus.SENT: "status=sent",
        DeliveryStatus.DELIVERED: "status=sent",
        DeliveryStatus.BOUNCED: "status=bounced",
        DeliveryStatus.EXPIRED: "expired, returned to sender",
    },
    session_named=session_named,
    session_of=session_of,
    session_word=b": lmtp(",
)
