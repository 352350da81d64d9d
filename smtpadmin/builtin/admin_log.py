"""The admin API's answers from the structured log: a range of it, following it, and tracking."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import msgspec
from aiohttp import web

from smtpadmin.builtin.admin_http import (
    LINES_A_BLOCK,
    SERVER,
    line_stream,
    number_parameter,
    stream_lines,
    time_parameter,
)
from smtpadmin.builtin.log_reader import read_records
from smtpadmin.builtin.server import MailServer
from smtpadmin.formats import builtin_tracking
from smtpadmin.model.errors import UsageError
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria

MOST_BEHIND = 10_000
HEARTBEAT_S = 10.0
logger = logging.getLogger(__name__)
FOLLOWERS: web.AppKey[set[Follower]] = web.AppKey("followers", set)


async def log(request: web.Request) -> web.StreamResponse:
    """The log of a time range, the oldest line first; rotated files too."""
    server = request.app[SERVER]
    since, until = time_parameter(request, "since"), time_parameter(request, "until")
    queue_id = request.query.get("queue_id") or None
    _flush(server)
    records = read_records(server.config.log_path, since=since, until=until, queue_id=queue_id)
    return await stream_lines(request, (record.raw.encode() for record in records))


def _flush(server: MailServer) -> None:
    """Let readers see what was written; on a full disk they see what is there."""
    try:
        server.log.flush()
    except OSError as error:
        logger.warning("the log cannot be written: %s", error)


class Follower:
    """Lines for one client. One that falls too far behind is let go, never given a log with
    holes: it comes back and asks for what it missed."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._ended = False

    def take(self, line: str) -> None:
        """A new line of the log."""
        if self._lines.qsize() >= MOST_BEHIND:
            self.end()
        elif not self._ended:
            self._lines.put_nowait(line)

    def end(self) -> None:
        """Nothing more comes after what waits."""
        if not self._ended:
            self._ended = True
            self._lines.put_nowait(None)

    async def next_block(self) -> bytes:
        """The next lines; an empty one after ten quiet seconds; nothing at the end."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                line = await self._lines.get()
        except TimeoutError:
            return b"\n"
        block = []
        while line is not None:
            block.append(line.encode() + b"\n")
            if self._lines.empty() or len(block) >= LINES_A_BLOCK:
                return b"".join(block)
            line = self._lines.get_nowait()
        self._lines.put_nowait(None)
        return b"".join(block)


async def follow(request: web.Request) -> web.StreamResponse:
    """The log from now on, until the client leaves or the server stops."""
    written = request.app[SERVER].log.written
    follower = Follower()
    written.connect(follower.take)
    request.app[FOLLOWERS].add(follower)
    try:
        async with line_stream(request) as stream:
            await stream.write(b"\n")
            while block := await follower.next_block():
                await stream.write(block)
        return stream.response
    finally:
        request.app[FOLLOWERS].discard(follower)
        written.disconnect(follower.take)


async def let_followers_go(app: web.Application) -> None:
    """The server stops: end every stream that would else last for ever."""
    for follower in app[FOLLOWERS]:
        follower.end()


async def track(request: web.Request) -> web.StreamResponse:
    """What became of messages: one object a line."""
    server = request.app[SERVER]
    criteria = _criteria(request)
    _flush(server)

    def found() -> Iterator[bytes]:
        records = read_records(server.config.log_path, of_messages=True)
        for message in builtin_tracking.find(records, criteria):
            yield msgspec.json.encode(message)

    return await stream_lines(request, found())


def _criteria(request: web.Request) -> TrackCriteria:
    query = request.query
    return TrackCriteria(
        sender=query.get("from"),
        recipient=query.get("to"),
        message_id=query.get("message_id"),
        queue_id=query.get("queue_id"),
        client=query.get("client"),
        status=_status(query.get("status")),
        subject=query.get("subject"),
        since=time_parameter(request, "since"),
        until=time_parameter(request, "until"),
        limit=number_parameter(request, "limit"),
        lines=query.get("lines") in ("1", "true"),
    )


def _status(text: str | None) -> DeliveryStatus | None:
    if not text:
        return None
    try:
        return DeliveryStatus(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a status",
            where="status",
            remedy=f"One of {', '.join(DeliveryStatus)}.",
        ) from error


ROUTES = (
    web.get("/v1/log", log),
    web.get("/v1/log/follow", follow),
    web.get("/v1/track", track),
)
