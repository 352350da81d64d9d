"""The admin API's answers about the queue as a whole: listing, counts, actions."""

from __future__ import annotations

import msgspec
from aiohttp import web

from smtpadmin.builtin.admin_http import SERVER, json_response, line_stream, read_body
from smtpadmin.builtin.spool_actions import ActionItem
from smtpadmin.model.errors import UsageError
from smtpadmin.model.queue import QueueAction

MOST_ITEMS = 10_000
END = b'{"end":true}\n'


class ActionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``POST /v1/queue/actions``."""

    action: QueueAction
    items: list[ActionItem]
    dry_run: bool = False


async def queue(request: web.Request) -> web.StreamResponse:
    """The whole queue, one entry a line; the last line says that nothing is missing."""
    async with line_stream(request) as stream:
        async for page in request.app[SERVER].list_queue():
            await stream.write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in page))
        await stream.write(END)
    return stream.response


async def counts(request: web.Request) -> web.Response:
    """Messages by queue."""
    return json_response((await request.app[SERVER].counts()).by_queue)


async def act(request: web.Request) -> web.Response:
    """Do one action to many messages; one result for each, in order."""
    asked: ActionRequest = await read_body(request, ActionRequest)
    if len(asked.items) > MOST_ITEMS:
        raise UsageError(f"more than {MOST_ITEMS} items", where="items", remedy="Send fewer.")
    if any(item.arrived is not None and item.arrived.tzinfo is None for item in asked.items):
        raise UsageError("a time of arrival has no offset", where="items", remedy="Add Z.")
    server = request.app[SERVER]
    return json_response(await server.act(asked.action, asked.items, dry_run=asked.dry_run))


ROUTES = (
    web.get("/v1/queue", queue),
    web.get("/v1/queue/counts", counts),
    web.post("/v1/queue/actions", act),
)
