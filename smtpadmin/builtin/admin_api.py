"""The admin API: HTTP and JSON with a bearer token, described by ``resources/builtin/openapi.json``.

This file holds what all requests share: who may ask, how errors look, start and stop. What is
answered stands in :mod:`smtpadmin.builtin.admin_routes`.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from smtpadmin.builtin import admin_routes
from smtpadmin.builtin.admin_token import ensure_token
from smtpadmin.builtin.config import Address
from smtpadmin.builtin.server import MailServer
from smtpadmin.model.errors import (
    NotPermittedError,
    ServerRefusedError,
    SmtpadminError,
    UsageError,
)

MOST_BODY = 64 * 1024 * 1024
_STATUS: tuple[tuple[type[SmtpadminError], int], ...] = (
    (UsageError, 422),
    (NotPermittedError, 403),
    (ServerRefusedError, 404),
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AdminApi:
    """Serves the admin API of one mail server."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._runner: web.AppRunner | None = None
        self.address: Address = server.config.admin

    async def start(self) -> None:
        """Open the port. Raises UsageError for an address that is not loopback, OSError for a
        port that is taken."""
        host, port = self._server.config.admin
        if not _is_loopback(host):
            raise UsageError(
                f"the admin API listens on loopback alone, not on {host}",
                where="--admin",
                remedy="Use 127.0.0.1 and reach it through an SSH tunnel.",
            )
        token = ensure_token(self._server.config.token_path)
        app = make_app(self._server, token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self.address = (str(bound[0]), int(bound[1]))

    async def stop(self) -> None:
        """Close the port and every follower."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def make_app(server: MailServer, token: str) -> web.Application:
    """The application, without a port."""
    app = web.Application(
        client_max_size=MOST_BODY, middlewares=[_errors, _same_host, _bearer(token)]
    )
    app[admin_routes.SERVER] = server
    app.add_routes(admin_routes.ROUTES)
    return app


def error_response(status: int, what: str, where: str = "", remedy: str = "") -> web.Response:
    """What every failure looks like."""
    body = {"error": {"what": what, "where": where, "remedy": remedy}}
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json"
    )


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return error_response(error.status, error.reason, request.path)
    except SmtpadminError as error:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 503)
        return error_response(status, error.what, error.where, error.remedy)


@web.middleware
async def _same_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A web page must not reach the API under a name of its own (DNS rebinding)."""
    host = request.host.rpartition(":")[0] if ":" in request.host else request.host
    if not _is_loopback(host.strip("[]")):
        return error_response(403, f"the name {host!r} is not this server's", "Host")
    return await handler(request)


def _bearer(token: str) -> Middleware:
    wanted = f"Bearer {token}".encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if hmac.compare_digest(given, wanted):
            return await handler(request)
        response = error_response(
            401, "the token is missing or wrong", "Authorization", "Send the token of admin-token."
        )
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    return check


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
