"""Message tracking over several servers at once: partial results, and who could not answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field

from smtpadmin.connectors.api import Connector
from smtpadmin.model.errors import NotPermittedError, SmtpadminError
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking.follow import MOST_HOPS, NextHop, joined, next_hops, on_server
from smtpadmin.tracking.tracker import tracker_of
from smtpadmin.util.tasks import TaskOwner

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Failures:
    """Errors by server, filled while the search runs."""

    by_server: dict[str, SmtpadminError] = field(default_factory=dict)


async def track_servers(
    connectors: Mapping[str, Connector],
    criteria: TrackCriteria,
    failures: Failures,
    hosts: Mapping[str, Collection[str]] | None = None,
) -> AsyncIterator[TrackedMessage]:
    """Messages of all servers as their answers come; a server that fails does not stop the others
    and is named in ``failures``.

    ``hosts`` names the hosts of servers (by the names of ``connectors``): what one of them handed to
    another is followed there. That other one's own answer may tell the same message again; see
    :func:`smtpadmin.tracking.follow.once`.
    """
    answers: asyncio.Queue[TrackedMessage | None] = asyncio.Queue()

    async def ask(name: str, connector: Connector) -> None:
        try:
            tracker = tracker_of(connector)
            if tracker is None:
                raise NotPermittedError("this kind of server cannot be tracked", where=name)
            async for message in tracker.track(criteria):
                told = on_server(message, name)
                answers.put_nowait(await _followed(told, connectors, hosts or {}, criteria))
        except SmtpadminError as error:
            failures.by_server[name] = error
        finally:
            answers.put_nowait(None)

    owner = TaskOwner("tracking")
    try:
        for name, connector in connectors.items():
            owner.spawn(name, ask(name, connector))
        open_ones = len(connectors)
        while open_ones:
            message = await answers.get()
            if message is None:
                open_ones -= 1
            else:
                yield message
    finally:
        await owner.close()


async def _followed(
    message: TrackedMessage,
    connectors: Mapping[str, Connector],
    hosts: Mapping[str, Collection[str]],
    criteria: TrackCriteria,
) -> TrackedMessage:
    """The message with its legs on the servers that it went on to. One that cannot be asked, or
    knows nothing of it, leaves it as it is."""
    seen: set[NextHop] = set()
    for _ in range(MOST_HOPS):
        hops = [hop for hop in next_hops(message, hosts) if hop not in seen]
        if not hops:
            break
        taken: set[tuple[str, str]] = set()
        for hop in hops:
            seen.add(hop)
            if (hop.queue_id, hop.recipient) in taken:
                continue  # another server of that host has it
            further = await _hop(message, hop, connectors.get(hop.server), criteria)
            if further is not None:
                message = further
                taken.add((hop.queue_id, hop.recipient))
    return message


async def _hop(
    message: TrackedMessage, hop: NextHop, connector: Connector | None, criteria: TrackCriteria
) -> TrackedMessage | None:
    tracker = tracker_of(connector)
    if tracker is None:
        return None
    wanted = TrackCriteria(queue_id=hop.queue_id, lines=criteria.lines)
    try:
        async for there in tracker.track(wanted):
            if found := joined(message, hop, there):
                return found
    except SmtpadminError as error:
        log.info("%s could not be followed to %s: %s", hop.queue_id, hop.server, error)
    return None
