"""Follows a test message that was accepted through every server that can be asked, for a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from smtpadmin.connectors.api import Connector
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.smtp import SendResult
from smtpadmin.model.status import OPEN_WORST_FIRST
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking.engine import Failures, track_servers
from smtpadmin.tracking.tracker import tracker_of
from smtpadmin.util.backoff import Backoff

FIRST_STEP_S = 0.25
MOST_STEP_S = 5.0


@dataclass(slots=True)
class Trace:
    """What is known: the message on each server, who could not be asked, and whether it has come to
    an end everywhere it was found."""

    messages: list[TrackedMessage] = field(default_factory=list)
    failures: dict[str, SmtpadminError] = field(default_factory=dict)
    ended: bool = False


async def follow(
    connectors: Mapping[str, Connector], result: SendResult, *, seconds: float
) -> Trace:
    """Ask again and again, each time after a longer wait, until nothing is open any more or
    ``seconds`` have passed. A server that fails is not asked again."""
    trace = Trace()
    asked = {name: c for name, c in connectors.items() if tracker_of(c) is not None}
    pause = Backoff(FIRST_STEP_S, MOST_STEP_S)
    try:
        async with asyncio.timeout(seconds):
            while asked and result.result == "accepted":
                await _ask(asked, TrackCriteria(message_id=result.message_id), trace)
                if trace.ended:
                    break
                for name in trace.failures.keys() & asked.keys():
                    del asked[name]
                await asyncio.sleep(pause.next())
    except TimeoutError:
        return trace
    return trace


async def _ask(asked: Mapping[str, Connector], criteria: TrackCriteria, trace: Trace) -> None:
    """One round. What it has found counts even when time runs out before every server answered."""
    failures, found = Failures(), list[TrackedMessage]()
    try:
        async for message in track_servers(asked, criteria, failures):
            found.append(message)
        trace.ended = bool(found) and not any(m.status in OPEN_WORST_FIRST for m in found)
    finally:
        trace.messages = found or trace.messages
        trace.failures.update(failures.by_server)
