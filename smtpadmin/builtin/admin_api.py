"""The admin API: HTTP and JSON with a bearer token, described by ``resources/builtin/openapi.json``.

This file holds what all requests share: who may ask, how failures are answered, start and stop.
What is answered stands in ``admin_about``, ``admin_queue``, ``admin_messages`` and ``admin_log``.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from smtpadmin.builtin import admin_about, admin_log, admin_messages, admin_queue
from smtpadmin.builtin.admin_http import SERVER, error_response
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
ROUTES = (*admin_about.ROUTES, *admin_queue.ROUTES, *admin_messages.ROUTES, *admin_log.ROUTES)
_STATUS: tuple[tuple[type[SmtpadminError], int], ...] = (
    (UsageError, 422),
    (NotPermittedError, 403),
    (ServerRefusedError, 404),
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)


class AdminApi:
    """Serves the admin API of one mail server."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._runner: web.AppRunner | None = None
        self.address: Address = server.config.admin

    async def start(self) -> None:
        """Open the port. Raises UsageError for an address that is not loopback, StorageError when
        the token cannot be kept, OSError for a port that is taken."""
        host, port = self._server.config.admin
        check_loopback(host)
        token = ensure_token(self._server.config.token_path)
        app = make_app(self._server, token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0]
        self.address = (str(bound[0]), int(bound[1]))

    async def stop(self) -> None:
        """Close the port and every follower; may be called twice."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def check_loopback(host: str) -> None:
    """The API speaks HTTP without TLS, so it never leaves the machine. Raises UsageError."""
    if not _is_loopback(host):
        raise UsageError(
            f"the admin API listens on loopback alone, not on {host}",
            where="--admin",
            remedy="Use 127.0.0.1 and reach it through an SSH tunnel.",
        )


def make_app(server: MailServer, token: str) -> web.Application:
    """The application, without a port."""
    app = web.Application(
        client_max_size=MOST_BODY, middlewares=[_failures, _same_host, _bearer(token)]
    )
    app[SERVER] = server
    app[admin_log.FOLLOWERS] = set()
    app.on_shutdown.append(admin_log.let_followers_go)
    app.on_response_prepare.append(_harden)
    app.add_routes(ROUTES)
    return app


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    """Mail is private, and never a web page."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"


@web.middleware
async def _failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001 - the last line of defence: every failure is answered
        return _failure(request, error)


def _failure(request: web.Request, error: Exception) -> web.Response:
    if isinstance(error, web.HTTPException):
        response = error_response(error.status, error.reason, request.path)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    if isinstance(error, SmtpadminError):
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 503)
        return error_response(status, error.what, error.where, error.remedy)
    log.error("a bug in the admin API: %s", request.path, exc_info=error)
    return error_response(
        500, f"a bug in the server: {type(error).__name__}", request.path, "See its messages."
    )


@web.middleware
async def _same_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A web page must not reach the API under a name of its own (DNS rebinding)."""
    if not _is_loopback(_host_name(request.headers.get("Host", ""))):
        return error_response(
            403, "the request is for another server", "Host", "Use 127.0.0.1 or localhost."
        )
    return await handler(request)


def _bearer(token: str) -> Middleware:
    wanted = f"Bearer {token}".encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if hmac.compare_digest(given, wanted):
            return await handler(request)
        response = error_response(
            401,
            "the token is missing or wrong",
            "Authorization",
            "Send the content of the file admin-token as a bearer token.",
        )
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    return check


def _host_name(host: str) -> str:
    """The name in a Host field: without port, without the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
