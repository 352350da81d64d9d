"""The end of the way: the message in its mailbox, looked at as its reader's server should have."""

from __future__ import annotations

from datetime import UTC, datetime

from smtpadmin.formats.header_fields import split_header
from smtpadmin.formats.received import received_hops
from smtpadmin.model.authentication import Authentication
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.follow import ArrivalReport
from smtpadmin.model.mailbox import Arrival
from smtpadmin.model.message_view import Header
from smtpadmin.model.received import Hop
from smtpadmin.services.authentication import authenticate
from smtpadmin.services.message_changes import compare_messages
from smtpadmin.services.spf import Lookups
from smtpadmin.util.tasks import run_blocking


async def look_at_arrival(
    arrival: Arrival, sent: bytes, accepted: datetime, resolver: Lookups | None
) -> ArrivalReport:
    """Hops with delays, authentication by ``resolver`` (None: left out), and what changed since
    ``sent`` (empty: left out). Never raises for what the message holds."""
    headers, _ = split_header(arrival.raw)
    hops = received_hops(headers)
    after = (arrival.stored or arrival.found) - accepted
    checks, why = await _authentication(arrival.raw, headers, hops, resolver)
    return ArrivalReport(
        arrival.folder,
        arrival.is_junk,
        arrival.stored,
        max(0.0, after.total_seconds()),
        hops,
        checks,
        await run_blocking(compare_messages, sent, arrival.raw) if sent else None,
        why,
    )


async def _authentication(
    raw: bytes, headers: list[Header], hops: tuple[Hop, ...], resolver: Lookups | None
) -> tuple[Authentication | None, str]:
    if resolver is None:
        return None, "not asked for"
    client = border_hop(hops)
    path = next((h.value for h in headers if h.name.lower() == "return-path"), "")
    try:
        found = await authenticate(
            raw, resolver, client=client.address if client else "",
            helo=client.sender if client else "", mail_from=path.strip().strip("<>"),
        )  # fmt: skip
    except SmtpadminError as error:
        return None, str(error)
    return found, ""


def border_hop(hops: tuple[Hop, ...]) -> Hop | None:
    """The hop by which the message entered the receiver's own network: from the mailbox backwards,
    the first whose client has a public address; else the last with any address."""
    from ipaddress import ip_address

    fallback = None
    for hop in reversed(hops):
        try:
            address = ip_address(hop.address)
        except ValueError:
            continue
        if address.is_global:
            return hop
        fallback = fallback or hop
    return fallback


def now() -> datetime:
    """The time of a step."""
    return datetime.now(UTC)
