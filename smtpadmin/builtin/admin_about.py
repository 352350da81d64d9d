"""The admin API's answers about the server itself: what it is, how it does, what it offers."""

from __future__ import annotations

from aiohttp import web

from smtpadmin import __version__
from smtpadmin.builtin.admin_http import SERVER, json_response
from smtpadmin.builtin.config import Address
from smtpadmin.util.resources import read_bytes

SOFTWARE = "smtpadmin built-in mail server"


async def status(request: web.Request) -> web.Response:
    """What this server is, and how it is set up."""
    server = request.app[SERVER]
    config = server.config
    return json_response(
        {
            "software": SOFTWARE,
            "version": __version__,
            "hostname": config.hostname,
            "smtp": address_text(server.smtp),
            "submission": address_text(server.submission) if server.submission else None,
            "local_domains": sorted(config.local_domains),
            "routes": {domain: str(hop) for domain, hop in config.routes.items()},
            "limits": {
                "message_size": config.limits.message_size,
                "recipients": config.limits.recipients,
            },
            "retry_s": list(config.schedule.retry_s),
            "expire_s": config.schedule.expire_s,
            "users": len(config.users),
        }
    )


def address_text(address: Address) -> str:
    """``HOST:PORT``, an IPv6 host in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def stats(request: web.Request) -> web.Response:
    """Totals since the start, and series by the minute."""
    return json_response(request.app[SERVER].stats())


async def openapi(request: web.Request) -> web.Response:
    """The description of this API."""
    return web.Response(body=read_bytes("builtin/openapi.json"), content_type="application/json")


ROUTES = (
    web.get("/v1/status", status),
    web.get("/v1/stats", stats),
    web.get("/openapi.json", openapi),
)
