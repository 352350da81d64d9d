"""From one server's log into the next one's: a remote ``queued as ID`` or ``C="250 OK id=ID"``.

The ID means something only on the host that gave it. So it is followed only where a profile names
that host, and believed only when that server's own log knows the ID for the same recipient: that
tells apart servers that share a host, as instances of Postfix do. A relay on a loopback address is
on the computer of the server whose log says so, and on no other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address

from smtpadmin.model.profile import Profile
from smtpadmin.model.status import DeliveryStatus, message_status
from smtpadmin.model.tracking import TrackedMessage, TrackedRecipient

MOST_HOPS = 8
_QUEUED_AS = re.compile(r".*\bqueued as ([0-9A-Za-z]{6,40})\b", re.S)
_EXIM_ID = re.compile(
    r".*\bid=([0-9A-Za-z]{6}-(?:[0-9A-Za-z]{11}-[0-9A-Za-z]{4}|[0-9A-Za-z]{6}-[0-9A-Za-z]{2}))\b",
    re.S,
)
_NAME_AND_ADDRESS = re.compile(r"([^\s\[\]]*)\s*\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where a recipient's mail went: a server with a profile, and the queue ID there."""

    server: str
    queue_id: str
    recipient: str


def next_hops(message: TrackedMessage, hosts: Mapping[str, Collection[str]]) -> list[NextHop]:
    """The next hops of a message among servers whose host names and addresses are known."""
    found: list[NextHop] = []
    known = {name: {_folded(host) for host in named} for name, named in hosts.items()}
    for recipient in message.recipients:
        queue_id = queue_id_there(recipient)
        if recipient.status is not DeliveryStatus.SENT or queue_id is None:
            continue
        here = _server_of(message, recipient)
        names = relay_names(recipient.relay or "")
        if here is not None and any(map(_is_loopback, names)):
            names = known.get(here, set())
        servers = [server for server, own in known.items() if names & own]
        servers.sort(key=lambda server: server == here)
        found += [NextHop(server, queue_id, recipient.address) for server in servers]
    return list(dict.fromkeys(found))


def hosts_of(profile: Profile) -> tuple[str, ...]:
    """What other servers' logs may call a server; without a host it is on this computer."""
    is_local = not profile.host or profile.settings.get("access") == "local"
    return ("localhost",) if is_local else (profile.host,)


def _server_of(message: TrackedMessage, recipient: TrackedRecipient) -> str | None:
    """The server that tells of this recipient."""
    legs = (leg for leg in reversed(message.legs) if leg.queue_id == recipient.queue_id)
    return next((leg.server for leg in legs), None)


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _folded(name: str) -> str:
    return name.casefold().rstrip(".")


def queue_id_there(recipient: TrackedRecipient) -> str | None:
    """The ID that the next hop gave, in its own words."""
    reply = recipient.reply or ""
    found = _QUEUED_AS.match(reply) or _EXIM_ID.match(reply)
    return found[1] if found else None


def relay_names(relay: str) -> set[str]:
    """Name and address of a relay as logged, in lower case: ``mx[192.0.2.1]:25``, ``mx [192.0.2.1]``."""
    found = _NAME_AND_ADDRESS.match(relay)
    parts = found.groups() if found else (relay.partition(":")[0],)
    return {_folded(part) for part in parts if part}


def joined(message: TrackedMessage, hop: NextHop, there: TrackedMessage) -> TrackedMessage | None:
    """The message with its legs on the next server; None when that log tells of another message."""
    ends = {item.address.casefold(): item for item in there.recipients}
    ends |= {item.original.casefold(): item for item in there.recipients if item.original}
    end = ends.get(hop.recipient.casefold())
    if end is None or hop.queue_id not in there.queue_ids:
        return None
    parent = next(item.queue_id for item in message.recipients if item.address == hop.recipient)
    known = {(leg.server, leg.queue_id) for leg in message.legs}
    legs = [
        replace(
            leg,
            server=leg.server or hop.server,
            kind="relayed" if leg.parent is None else leg.kind,
            parent=parent if leg.parent is None else leg.parent,
        )
        for leg in there.legs
        if (leg.server or hop.server, leg.queue_id) not in known
    ]
    recipients = tuple(
        replace(end, address=item.address, original=item.original, attempts=item.attempts)
        if item.address == hop.recipient
        else item
        for item in message.recipients
    )
    return replace(
        message,
        legs=(*message.legs, *legs),
        queue_ids=tuple(dict.fromkeys((*message.queue_ids, *there.queue_ids))),
        recipients=recipients,
        status=message_status(item.status for item in recipients),
        lines=(*message.lines, *there.lines),
    )


def on_server(message: TrackedMessage, server: str) -> TrackedMessage:
    """The message with its legs' server named."""
    legs = tuple(leg if leg.server else replace(leg, server=server) for leg in message.legs)
    return replace(message, legs=legs)


def once(messages: Iterable[TrackedMessage]) -> list[TrackedMessage]:
    """Messages without those that are told as later legs of others."""
    kept: Sequence[TrackedMessage] = list(messages)
    later = {
        (leg.server, leg.queue_id)
        for message in kept
        for leg in message.legs
        if leg.kind == "relayed"
    }
    return [
        message
        for message in kept
        if not message.legs
        or message.legs[0].kind == "relayed"
        or (message.legs[0].server, message.legs[0].queue_id) not in later
    ]
