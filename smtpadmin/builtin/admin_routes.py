"""The admin API's answers, one function for each route. Streams are JSON Lines."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from smtpadmin import __version__
from smtpadmin.builtin.log_reader import read_records
from smtpadmin.builtin.server import MailServer
from smtpadmin.builtin.spool_actions import ActionItem
from smtpadmin.formats import builtin_tracking
from smtpadmin.model.errors import UsageError
from smtpadmin.model.queue import QueueAction, StoredMessage
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.util.resources import read_bytes
from smtpadmin.util.tasks import run_blocking_for

SERVER: web.AppKey[MailServer] = web.AppKey("server", MailServer)
MOST_FOLLOWED = 10_000
HEARTBEAT_S = 10.0
SEARCH_DEADLINE_S = 60.0
MOST_ITEMS = 10_000


class ActionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``POST /v1/queue/actions``."""

    action: QueueAction
    items: list[ActionItem]
    dry_run: bool = False


class MessageRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``POST /v1/messages``: a kept copy with its envelope; ``raw`` is base64."""

    sender: str
    recipients: list[str]
    raw: str
    queue_id: str = ""


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(value), content_type="application/json"
    )


async def _lines(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    return response


def _body(kind: type[Any], octets: bytes) -> Any:
    try:
        return msgspec.json.decode(octets, type=kind)
    except msgspec.DecodeError as error:
        raise UsageError(f"the body does not fit: {error}", where="body") from error


async def status(request: web.Request) -> web.Response:
    """What this server is."""
    server = request.app[SERVER]
    return _json(
        {
            "software": "smtpadmin built-in mail server",
            "version": __version__,
            "hostname": server.config.hostname,
            "smtp": f"{server.smtp[0]}:{server.smtp[1]}",
            "submission": None
            if server.submission is None
            else f"{server.submission[0]}:{server.submission[1]}",
            "local_domains": sorted(server.config.local_domains),
            "routes": {domain: str(hop) for domain, hop in server.config.routes.items()},
            "limits": {
                "message_size": server.config.limits.message_size,
                "recipients": server.config.limits.recipients,
            },
            "retry_s": list(server.config.schedule.retry_s),
            "expire_s": server.config.schedule.expire_s,
            "users": len(server.config.users),
        }
    )


async def queue(request: web.Request) -> web.StreamResponse:
    """The whole queue, one entry a line."""
    response = await _lines(request)
    async for page in request.app[SERVER].list_queue():
        await response.write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in page))
    # A listing that broke off in the middle must not look like a short queue.
    await response.write(b'{"end":true}\n')
    return response


async def counts(request: web.Request) -> web.Response:
    """Messages by queue."""
    return _json((await request.app[SERVER].counts()).by_queue)


async def act(request: web.Request) -> web.Response:
    """Do one action to many messages."""
    asked: ActionRequest = _body(ActionRequest, await request.read())
    if len(asked.items) > MOST_ITEMS:
        raise UsageError(f"more than {MOST_ITEMS} items", where="items", remedy="Send fewer.")
    server = request.app[SERVER]
    return _json(await server.act(asked.action, asked.items, dry_run=asked.dry_run))


async def message(request: web.Request) -> web.Response:
    """One queued message's entry."""
    return _json(await request.app[SERVER].entry(request.match_info["queue_id"]))


async def raw_message(request: web.Request) -> web.Response:
    """One queued message's octets; the envelope is in the headers of the answer."""
    stored = await request.app[SERVER].message(request.match_info["queue_id"])
    envelope = {"sender": stored.sender, "recipients": list(stored.recipients)}
    return web.Response(
        body=stored.raw,
        headers={
            "Content-Type": "message/rfc822",
            "X-Envelope": base64.b64encode(msgspec.json.encode(envelope)).decode(),
        },
    )


async def attempts(request: web.Request) -> web.Response:
    """The last few delivery sessions of a message, with their transcripts."""
    found = await request.app[SERVER].attempts(request.match_info["queue_id"])
    return _json(
        [
            {
                "started": attempt.started,
                "relay": attempt.relay,
                "outcome": attempt.outcome,
                "transcript": msgspec.json.decode(attempt.transcript),
            }
            for attempt in found
        ]
    )


async def put_back(request: web.Request) -> web.Response:
    """Put a kept copy back into the queue."""
    asked: MessageRequest = _body(MessageRequest, await request.read())
    try:
        raw = base64.b64decode(asked.raw, validate=True)
    except binascii.Error as error:
        raise UsageError("raw is not base64", where="raw") from error
    if not asked.recipients or not raw:
        raise UsageError("a message needs recipients and content", where="body")
    stored = StoredMessage(asked.queue_id, asked.sender, tuple(asked.recipients), raw)
    return _json({"queue_id": await request.app[SERVER].reinject(stored)}, status=201)


async def log(request: web.Request) -> web.StreamResponse:
    """The log of a time range, the oldest line first; rotated files too."""
    server = request.app[SERVER]
    since, until = _time(request, "since"), _time(request, "until")
    queue_id = request.query.get("queue_id")
    server.log.flush()
    response = await _lines(request)
    lines = read_records(server.config.log_path, since=since, until=until, queue_id=queue_id)
    async for block in _in_blocks(record.raw for record in lines):
        await response.write(block)
    return response


async def _in_blocks(lines: Iterator[str], size: int = 1000) -> AsyncIterator[bytes]:
    def take() -> bytes:
        block = [line for _, line in zip(range(size), lines, strict=False)]
        return "".join(line + "\n" for line in block).encode()

    while block := await run_blocking_for(SEARCH_DEADLINE_S, take):
        yield block


async def follow(request: web.Request) -> web.StreamResponse:
    """The log from now on, until the client leaves; an empty line every ten seconds.

    A client that reads too slowly is let go, never given a log with holes: it comes back and asks
    for what it missed.
    """
    server = request.app[SERVER]
    lines: asyncio.Queue[str] = asyncio.Queue()
    server.log.written.connect(lines.put_nowait)
    try:
        response = await _lines(request)
        await response.write(b"\n")
        while lines.qsize() < MOST_FOLLOWED:
            await response.write(await _next_block(lines))
        return response
    finally:
        server.log.written.disconnect(lines.put_nowait)


async def _next_block(lines: asyncio.Queue[str]) -> bytes:
    try:
        async with asyncio.timeout(HEARTBEAT_S):
            block = [await lines.get()]
    except TimeoutError:
        return b"\n"
    while not lines.empty() and len(block) < 1000:
        block.append(lines.get_nowait())
    return "".join(line + "\n" for line in block).encode()


async def track(request: web.Request) -> web.StreamResponse:
    """What became of messages: one object a line."""
    server = request.app[SERVER]
    criteria = _criteria(request)
    server.log.flush()

    def search() -> list[TrackedMessage]:
        return list(builtin_tracking.find(read_records(server.config.log_path), criteria))

    found = await run_blocking_for(SEARCH_DEADLINE_S, search)
    response = await _lines(request)
    for tracked in found:
        await response.write(msgspec.json.encode(tracked) + b"\n")
    return response


def _criteria(request: web.Request) -> TrackCriteria:
    query = request.query
    wanted = query.get("status")
    limit = query.get("limit")
    try:
        return TrackCriteria(
            sender=query.get("from"),
            recipient=query.get("to"),
            message_id=query.get("message_id"),
            queue_id=query.get("queue_id"),
            client=query.get("client"),
            status=DeliveryStatus(wanted) if wanted else None,
            subject=query.get("subject"),
            since=_time(request, "since"),
            until=_time(request, "until"),
            limit=int(limit) if limit else None,
            lines=query.get("lines") in ("1", "true"),
        )
    except ValueError as error:
        raise UsageError(f"a criterion does not fit: {error}", where="query") from error


async def stats(request: web.Request) -> web.Response:
    """Totals since the start, and series by the minute."""
    return _json(request.app[SERVER].stats())


async def openapi(request: web.Request) -> web.Response:
    """This description."""
    return web.Response(body=read_bytes("builtin/openapi.json"), content_type="application/json")


def _time(request: web.Request, name: str) -> datetime | None:
    text = request.query.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a time", where=name) from error
    if found.tzinfo is None:
        raise UsageError(f"{text!r} has no offset", where=name, remedy="Add Z or +02:00.")
    return found


ROUTES = (
    web.get("/v1/status", status),
    web.get("/v1/queue", queue),
    web.get("/v1/queue/counts", counts),
    web.post("/v1/queue/actions", act),
    web.get("/v1/messages/{queue_id}", message),
    web.get("/v1/messages/{queue_id}/raw", raw_message),
    web.get("/v1/messages/{queue_id}/attempts", attempts),
    web.post("/v1/messages", put_back),
    web.get("/v1/log", log),
    web.get("/v1/log/follow", follow),
    web.get("/v1/track", track),
    web.get("/v1/stats", stats),
    web.get("/openapi.json", openapi),
)
