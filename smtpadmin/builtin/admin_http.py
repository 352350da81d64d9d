"""What all answers of the admin API are made with: JSON, JSON Lines, bodies, parameters.

Knows nothing of what is asked. A stream that breaks off is aborted, so that a client never takes
half an answer for a whole one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from smtpadmin.builtin.server import MailServer
from smtpadmin.model.errors import UsageError
from smtpadmin.util.tasks import run_blocking_for

SERVER: web.AppKey[MailServer] = web.AppKey("server", MailServer)
SEARCH_DEADLINE_S = 60.0
WRITE_DEADLINE_S = 30.0
LINES_A_BLOCK = 1_000
log = logging.getLogger(__name__)


def json_response(value: object, status: int = 200) -> web.Response:
    """One JSON value."""
    return web.Response(
        status=status, body=msgspec.json.encode(value), content_type="application/json"
    )


def error_response(status: int, what: str, where: str = "", remedy: str = "") -> web.Response:
    """What every failure looks like."""
    return json_response({"error": {"what": what, "where": where, "remedy": remedy}}, status)


class LineStream:
    """An answer of JSON Lines whose head is out."""

    def __init__(self, response: web.StreamResponse) -> None:
        self.response = response

    async def write(self, octets: bytes) -> None:
        """Send whole lines. Raises TimeoutError for a client that does not read."""
        async with asyncio.timeout(WRITE_DEADLINE_S):
            await self.response.write(octets)


@contextlib.asynccontextmanager
async def line_stream(request: web.Request) -> AsyncIterator[LineStream]:
    """Begin an answer of JSON Lines. A failure inside breaks the connection: the head is out, so
    there is no other honest end."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    try:
        yield LineStream(response)
    except Exception as error:  # noqa: BLE001 - whatever it was, the client must see a broken stream
        if not isinstance(error, ConnectionError):
            log.warning("%s broke off: %s", request.path, str(error) or type(error).__name__)
        if request.transport is not None:
            request.transport.abort()


async def stream_lines(request: web.Request, lines: Iterator[bytes]) -> web.StreamResponse:
    """Answer with the lines of a blocking iterator, read in a thread. What fails before the first
    line is still answered as an error. Raises TotalDeadlineError."""

    def take() -> bytes:
        block = (line for _, line in zip(range(LINES_A_BLOCK), lines, strict=False))
        return b"".join(line + b"\n" for line in block)

    block = await run_blocking_for(SEARCH_DEADLINE_S, take)
    async with line_stream(request) as stream:
        while block:
            await stream.write(block)
            block = await run_blocking_for(SEARCH_DEADLINE_S, take)
    return stream.response


async def read_body(request: web.Request, kind: type[Any]) -> Any:
    """The body, as ``kind`` says. Raises UsageError."""
    octets = await request.read()
    try:
        return msgspec.json.decode(octets, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the body does not fit: {error}", where="body") from error


def time_parameter(request: web.Request, name: str) -> datetime | None:
    """A time of the query, or None. Raises UsageError."""
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


def number_parameter(request: web.Request, name: str) -> int | None:
    """A whole number from 1 of the query, or None. Raises UsageError."""
    text = request.query.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 9 or int(text) < 1:
        raise UsageError(f"{text!r} is not a number from 1", where=name)
    return int(text)
