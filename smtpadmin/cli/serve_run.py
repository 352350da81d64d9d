"""Runs the built-in mail server for ``smtpadmin serve``: start, say so, wait to be told to stop.

Options are read in :mod:`smtpadmin.cli.serve`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smtpadmin.builtin.admin_about import address_text
from smtpadmin.builtin.admin_api import AdminApi, check_loopback
from smtpadmin.builtin.server import MailServer
from smtpadmin.cli.output import note, print_json
from smtpadmin.cli.stopping import stop_event
from smtpadmin.model.errors import UsageError
from smtpadmin.settings.server_tls import ca_path

if TYPE_CHECKING:
    from smtpadmin.builtin.config import ServerConfig
    from smtpadmin.builtin.demo import Demo


@dataclass(frozen=True, slots=True)
class _Running:
    server: MailServer
    api: AdminApi
    demo: Demo | None


async def serve(config: ServerConfig, *, demo: bool, as_json: bool, until_eof: bool) -> None:
    """Run until a signal comes, or until standard input ends when ``until_eof``. Raises
    UsageError for a port or an address that cannot be had, StorageError for the data folder."""
    check_loopback(config.admin[0])
    stop = stop_event(until_eof=until_eof)
    async with _mail_server(config, demo) as (server, world), _admin_api(server) as api:
        running = _Running(server, api, world)
        if as_json:
            print_json(_ready(running))
        else:
            _greet(running)
        if world is not None:
            world.begin_traffic()
        await stop.wait()


@contextlib.asynccontextmanager
async def _mail_server(
    config: ServerConfig, demo: bool
) -> AsyncIterator[tuple[MailServer, Demo | None]]:
    if demo:
        from smtpadmin.builtin.demo import Demo

        world = Demo(config)
        await world.start()
        try:
            yield world.server, world
        finally:
            await world.stop()
    else:
        server = MailServer(config)
        await server.start()
        try:
            yield server, None
        finally:
            await server.stop()


@contextlib.asynccontextmanager
async def _admin_api(server: MailServer) -> AsyncIterator[AdminApi]:
    api = AdminApi(server)
    try:
        await api.start()
    except OSError as error:
        await api.stop()
        raise UsageError(
            f"cannot listen there ({error.strerror or error})",
            where=address_text(server.config.admin),
            remedy="Stop what uses the port, or choose another one with --admin.",
        ) from error
    try:
        yield api
    finally:
        await api.stop()


def _greet(running: _Running) -> None:
    config = running.server.config
    smtp, admin = address_text(running.server.smtp), address_text(running.api.address)
    note(f"mail server on {smtp}, admin API on http://{admin}, data in {config.data}")
    note(f"token in {config.token_path}, certificate authority in {ca_path(config.data / 'tls')}")
    note(f"to add its profile: smtpadmin {' '.join(_add(running))} < {config.token_path}")


def _ready(running: _Running) -> dict[str, object]:
    server, config = running.server, running.server.config
    found: dict[str, object] = {
        "smtp": address_text(server.smtp),
        "submission": address_text(server.submission) if server.submission else None,
        "admin": f"http://{address_text(running.api.address)}",
        "token_file": str(config.token_path),
        "data": str(config.data),
        "ca_file": str(ca_path(config.data / "tls")),
        "domains": {
            "local": sorted(config.local_domains),
            "routes": {domain: str(hop) for domain, hop in config.routes.items()},
        },
        "add": _add(running),
    }
    if running.demo is not None:
        user, password = running.demo.login
        # This demo's own login, made for this run: it opens nothing else.
        found["login"] = {"user": user, "password": password}
        found["world"] = {
            domain: f"{hop.host}:{hop.port}" for domain, hop in running.demo.world.routes.items()
        }
    return found


def _add(running: _Running) -> list[str]:
    server = running.server
    return [
        *("servers", "add", server.config.hostname, "--kind", "builtin"),
        *("--admin", address_text(running.api.address)),
        *("--smtp", address_text(server.smtp)),
        *("--set", f"ca_file={ca_path(server.config.data / 'tls')}"),
        "--password-stdin",
    ]
