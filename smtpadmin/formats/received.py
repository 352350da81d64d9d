"""``Received`` fields: the way a message took, hop by hop, with the time each hop took.

Every server words them its own way (RFC 5321 section 4.4 is a frame): what is found is a hint, and
the fields below the first server that one trusts may be forged.

>>> parse_received("from a.example (a.example [192.0.2.1]) by b.example with ESMTPS id 1; Mon, 2 Mar 2026 10:00:00 +0000").by
'b.example'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from smtpadmin.model.message_view import Header
from smtpadmin.model.received import Hop

MOST_HOPS = 100
MOST_LENGTH = 5_000
_WORD = r"[^\s;()]{1,255}"
_FROM = re.compile(rf"^\s*from\s+({_WORD})", re.I)
_BY = re.compile(rf"(?:^|\s)by\s+({_WORD})", re.I)
_WITH = re.compile(rf"\swith\s+({_WORD})", re.I)
_ID = re.compile(rf"\sid\s+<?({_WORD}?)>?(?=[\s;(]|$)", re.I)
_FOR = re.compile(r"\sfor\s+<?([^\s<>;]{1,320})>?", re.I)
_ADDRESS = re.compile(
    r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]|\(([0-9]{1,3}(?:\.[0-9]{1,3}){3})\)", re.I
)
_HELO = re.compile(r"\(?\b(?:helo|ehlo)[ =]+\[?([^\s()\]]{1,255})", re.I)
_COMMENT = re.compile(r"\([^()]*\)")
_RDNS = re.compile(rf"\(({_WORD})\s+\[")


def parse_received(text: str) -> Hop:
    """One field's value. Never raises."""
    text = " ".join(text[:MOST_LENGTH].split())
    head, _, stamp = text.rpartition(";")
    head = head or text
    source = _BY.split(head, maxsplit=1)[0]
    outside = _COMMENT.sub(" ", head)
    address = _ADDRESS.search(source)
    protocol = _first(_WITH, outside)
    rdns, helo = _first(_RDNS, source), _first(_HELO, source)
    return Hop(
        sender=helo or _first(_FROM, source),
        client_name=rdns if rdns.lower() != "unknown" else "",
        address=(address[1] or address[2] or "") if address else "",
        by=_first(_BY, outside),
        protocol=protocol,
        queue_id=_first(_ID, outside),
        recipient=_first(_FOR, head),
        time=_time(stamp),
        tls=_is_encrypted(protocol, head),
        text=text,
    )


def received_hops(headers: Sequence[Header]) -> tuple[Hop, ...]:
    """The way, in the order of travel, each hop with its delay."""
    fields = [header.value for header in headers if header.name.lower() == "received"]
    hops: list[Hop] = []
    before: datetime | None = None
    for value in reversed(fields[:MOST_HOPS]):
        hop = parse_received(value)
        if hop.time is not None and before is not None:
            hop = replace(hop, delay=(hop.time - before).total_seconds())
        before = hop.time or before
        hops.append(hop)
    return tuple(hops)


def _is_encrypted(protocol: str, head: str) -> bool:
    """The S of ESMTPS, LMTPS and their like (RFC 3848, 6531), or words about TLS."""
    word = protocol.upper().removesuffix("A")
    return word in ("ESMTPS", "LMTPS", "UTF8SMTPS", "UTF8LMTPS") or "TLS" in head


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1].strip("[]<>,") if found else ""


def _time(stamp: str) -> datetime | None:
    try:
        time = parsedate_to_datetime(stamp.strip()[:100])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
