"""Message tracking over several servers at once: partial results, and who could not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from smtpadmin.connectors.api import Connector, Tracker, ability
from smtpadmin.model.errors import NotPermittedError, SmtpadminError
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.util.tasks import TaskOwner


@dataclass(slots=True)
class Failures:
    """Errors by server, filled while the search runs."""

    by_server: dict[str, SmtpadminError] = field(default_factory=dict)


async def track_servers(
    connectors: Mapping[str, Connector], criteria: TrackCriteria, failures: Failures
) -> AsyncIterator[TrackedMessage]:
    """Messages of all servers as their answers come; a server that fails does not stop the others
    and is named in ``failures``."""
    answers: asyncio.Queue[TrackedMessage | None] = asyncio.Queue()

    async def ask(name: str, connector: Connector) -> None:
        try:
            tracker = ability(connector, Tracker)
            if tracker is None:
                raise NotPermittedError("this kind of server cannot be tracked", where=name)
            async for message in tracker.track(criteria):
                answers.put_nowait(message)
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
