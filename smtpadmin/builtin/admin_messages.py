"""The admin API's answers about one message: entry, content, delivery sessions; and putting a kept
copy back."""

from __future__ import annotations

import base64
import binascii

import msgspec
from aiohttp import web

from smtpadmin.builtin.admin_http import SERVER, json_response, read_body
from smtpadmin.model.errors import UsageError
from smtpadmin.model.queue import StoredMessage

MOST_ADDRESS = 320


class MessageRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``POST /v1/messages``: a kept copy with its envelope; ``raw`` is base64;
    ``queue_id`` is the one that it had."""

    sender: str
    recipients: list[str]
    raw: str
    queue_id: str = ""


async def message(request: web.Request) -> web.Response:
    """One queued message's entry."""
    return json_response(await request.app[SERVER].entry(request.match_info["queue_id"]))


async def raw_message(request: web.Request) -> web.Response:
    """One queued message's octets; the envelope is in the head of the answer."""
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
    """The last few delivery sessions of a queued message, with their transcripts."""
    server, queue_id = request.app[SERVER], request.match_info["queue_id"]
    await server.entry(queue_id)
    return json_response(
        [
            {
                "started": attempt.started,
                "relay": attempt.relay,
                "outcome": attempt.outcome,
                "transcript": msgspec.Raw(attempt.transcript.encode()),
            }
            for attempt in await server.attempts(queue_id)
        ]
    )


async def put_back(request: web.Request) -> web.Response:
    """Put a kept copy back into the queue."""
    asked: MessageRequest = await read_body(request, MessageRequest)
    server = request.app[SERVER]
    raw = _decoded(asked.raw)
    if not raw or not asked.recipients:
        raise UsageError("a message needs recipients and content", where="body")
    if len(raw) > server.config.limits.message_size:
        most = server.config.limits.message_size
        raise UsageError(f"the message has more than {most} octets", where="raw")
    if len(asked.recipients) > server.config.limits.recipients:
        most = server.config.limits.recipients
        raise UsageError(f"the message has more than {most} recipients", where="recipients")
    if asked.sender:
        _check_address(asked.sender, "sender")
    for recipient in asked.recipients:
        _check_address(recipient, "recipients")
    stored = StoredMessage(asked.queue_id, asked.sender, tuple(asked.recipients), raw)
    return json_response({"queue_id": await server.reinject(stored)}, status=201)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError("raw is not base64", where="raw") from error


def _check_address(address: str, where: str) -> None:
    """An address becomes part of an SMTP command: it must not be able to end it."""
    local_part, _, domain = address.rpartition("@")
    whole = local_part and domain and len(address) <= MOST_ADDRESS
    if not whole or not address.isprintable() or "<" in address or ">" in address:
        raise UsageError(f"{address[:MOST_ADDRESS]!r} is not an address", where=where)


ROUTES = (
    web.get("/v1/messages/{queue_id}", message),
    web.get("/v1/messages/{queue_id}/raw", raw_message),
    web.get("/v1/messages/{queue_id}/attempts", attempts),
    web.post("/v1/messages", put_back),
)
