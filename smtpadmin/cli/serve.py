"""``smtpadmin serve``: the built-in mail server alone, and the demo's server for the window."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smtpadmin.cli.output import json_option, note
from smtpadmin.model.errors import StorageError, UsageError

if TYPE_CHECKING:
    from smtpadmin.builtin.config import Address, NextHop, ServerConfig
    from smtpadmin.builtin.server import MailServer

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class _Options:
    smtp: str
    submission: str | None
    admin: str
    data: Path | None
    hostname: str | None
    domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    routes: tuple[str, ...]
    retry: str | None
    expire: str | None
    user: str | None
    password_stdin: bool
    relay_networks: tuple[str, ...]
    max_size: int | None
    max_recipients: int | None


@click.command()
@click.option("--smtp", default="127.0.0.1:2525", show_default=True, metavar="HOST:PORT")
@click.option("--submission", metavar="HOST:PORT", help="A second listener, TLS from the start.")
@click.option("--admin", default="127.0.0.1:8025", show_default=True, metavar="HOST:PORT")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of spool, mailboxes and log.")
@click.option("--hostname", help="The name in banner and Received lines.  [default: this host's]")
@click.option("--domain", "domains", multiple=True, help="A local domain. Repeatable.")
@click.option(
    "--mailbox",
    "mailboxes",
    multiple=True,
    metavar="ADDRESS",
    help="Name a domain's mailboxes; without, any local part is taken. Repeatable.",
)
@click.option(
    "--route",
    "routes",
    multiple=True,
    metavar="DOMAIN=HOST:PORT",
    help="The next hop of a domain; * is every other domain. Repeatable.",
)
@click.option("--retry", metavar="30s,2m,10m", help="Waits between tries; the last one repeats.")
@click.option("--expire", metavar="5d", help="How long a message is tried.")
@click.option("--user", help="A login that may relay; its password comes by --password-stdin.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option(
    "--relay-network",
    "relay_networks",
    multiple=True,
    metavar="NETWORK",
    help="Networks that may relay.  [default: loopback]",
)
@click.option("--max-size", type=int, metavar="OCTETS")
@click.option("--max-recipients", type=int)
@click.option("--demo", is_flag=True, help="With an outside world and people who write mail.")
@click.option("--exit-with-parent", is_flag=True, help="Stop when standard input ends.")
@json_option
def command(demo: bool, exit_with_parent: bool, as_json: bool, **options: object) -> None:
    """Run the built-in mail server until it is told to stop (Ctrl+C, SIGTERM)."""
    with _data_folder(options.get("data"), demo) as folder:
        config = make_config(_Options(**{**options, "data": folder}))  # type: ignore[arg-type]
        asyncio.run(_serve(config, demo=demo, as_json=as_json, until_eof=exit_with_parent))


@contextlib.contextmanager
def _data_folder(given: object, demo: bool) -> Iterator[Path]:
    if isinstance(given, Path):
        yield given
    elif demo:
        with tempfile.TemporaryDirectory(
            prefix="smtpadmin-demo-", ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)
    else:
        from smtpadmin.settings.paths import data_dir

        yield data_dir() / "server"


def make_config(options: _Options) -> ServerConfig:
    """The options as a configuration. Raises UsageError."""
    import socket

    from smtpadmin.builtin.config import LOOPBACK, Limits, Schedule, ServerConfig

    assert options.data is not None
    limits, schedule = Limits(), Schedule()
    return ServerConfig(
        data=options.data,
        smtp=parse_address(options.smtp, "--smtp"),
        submission=parse_address(options.submission, "--submission")
        if options.submission
        else None,
        admin=parse_address(options.admin, "--admin"),
        hostname=options.hostname or socket.gethostname(),
        local_domains=_local_domains(options),
        routes=dict(parse_route(route) for route in options.routes),
        users=_users(options),
        relay_networks=tuple(_network(n) for n in options.relay_networks) or LOOPBACK,
        limits=Limits(
            message_size=options.max_size or limits.message_size,
            recipients=options.max_recipients or limits.recipients,
        ),
        schedule=Schedule(
            retry_s=tuple(parse_duration(part, "--retry") for part in options.retry.split(","))
            if options.retry
            else schedule.retry_s,
            expire_s=parse_duration(options.expire, "--expire")
            if options.expire
            else schedule.expire_s,
        ),
    )


def parse_address(text: str, where: str) -> Address:
    """``HOST:PORT`` or ``[IPv6]:PORT``; port 0 takes any free one. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(
            f"{text!r} is not HOST:PORT", where=where, remedy="For example 127.0.0.1:2525."
        )
    return (host.strip("[]"), int(port))


def parse_route(text: str) -> tuple[str, NextHop]:
    """``DOMAIN=HOST:PORT``. Raises UsageError."""
    from smtpadmin.builtin.config import NextHop

    domain, equals, hop = text.partition("=")
    if not equals or not domain:
        raise UsageError(
            f"{text!r} is not DOMAIN=HOST:PORT",
            where="--route",
            remedy="For example example.org=10.0.0.5:25.",
        )
    return domain.lower(), NextHop(*parse_address(hop, "--route"))


def parse_duration(text: str, where: str) -> float:
    """``30s``, ``2m``, ``4h``, ``5d``, or seconds. Raises UsageError."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in UNITS else (text, "s")
    if not number.replace(".", "", 1).isdecimal() or float(number) <= 0:
        raise UsageError(
            f"{text!r} is not a duration", where=where, remedy="For example 30s, 2m or 5d."
        )
    return float(number) * UNITS[unit]


def _local_domains(options: _Options) -> dict[str, frozenset[str] | None]:
    domains: dict[str, frozenset[str] | None] = {d.lower(): None for d in options.domains}
    for address in options.mailboxes:
        local_part, at, domain = address.lower().rpartition("@")
        if not at or not local_part:
            raise UsageError(
                f"{address!r} is not an address",
                where="--mailbox",
                remedy="For example anna@example.org.",
            )
        domains[domain] = (domains.get(domain) or frozenset()) | {local_part}
    return domains


def _users(options: _Options) -> dict[str, str]:
    if options.user is None:
        return {}
    from smtpadmin.builtin.passwords import make_record

    if not options.password_stdin:
        raise UsageError(
            "--user needs a password", where="--user", remedy="Give it by --password-stdin."
        )
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise UsageError("the password is empty", where="--password-stdin")
    return {options.user: make_record(password)}


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a network", where="--relay-network", remedy="For example 10.0.0.0/8."
        ) from error


async def _serve(config: ServerConfig, *, demo: bool, as_json: bool, until_eof: bool) -> None:
    from smtpadmin.builtin.admin_api import AdminApi
    from smtpadmin.builtin.demo import Demo
    from smtpadmin.builtin.server import MailServer

    stop = _stop_event(until_eof)
    running = Demo(config) if demo else None
    try:
        if running is not None:
            server = await running.start()
        else:
            server = MailServer(config)
            await server.start()
    except OSError as error:
        raise _port_error(error, config) from error
    api = AdminApi(server)
    try:
        try:
            await api.start()
        except OSError as error:
            raise _port_error(error, config) from error
        _say_ready(server, api.address, as_json)
        if running is not None:
            running.begin_traffic()
        await stop.wait()
    finally:
        await api.stop()
        await (running.stop() if running is not None else server.stop())


def _port_error(error: OSError, config: ServerConfig) -> StorageError:
    return StorageError(
        f"cannot start: {error.strerror or error}",
        where=f"{config.smtp[0]}:{config.smtp[1]} or {config.admin[0]}:{config.admin[1]}",
        remedy="Choose other ports with --smtp and --admin, or another folder with --data.",
    )


def _stop_event(until_eof: bool) -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT"):
        # Windows has no signal handlers in asyncio: Ctrl+C ends the run there.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(getattr(signal, name), stop.set)
    if until_eof:
        import threading

        def wait_for_end() -> None:
            while os.read(sys.stdin.fileno(), 4096):
                continue
            loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=wait_for_end, name="parent watch", daemon=True).start()
    return stop


def _say_ready(server: MailServer, admin: Address, as_json: bool) -> None:
    import msgspec

    config = server.config
    smtp = f"{server.smtp[0]}:{server.smtp[1]}"
    url = f"http://{admin[0]}:{admin[1]}"
    if not as_json:
        note(f"mail server on {smtp}, admin API on {url}, data in {config.data}")
        note(
            f"token in {config.token_path}; certificate authority in {config.data / 'tls' / 'ca.pem'}"
        )
        return
    ready = {
        "smtp": smtp,
        "submission": None if server.submission is None else f"{server.submission[0]}:{server.submission[1]}",
        "admin": url,
        "token_file": str(config.token_path),
        "data": str(config.data),
        "ca_file": str(config.data / "tls" / "ca.pem"),
        "domains": {
            "local": sorted(config.local_domains),
            "routes": {domain: str(hop) for domain, hop in config.routes.items()},
        },
        "add": [
            "servers", "add", config.hostname, "--kind", "builtin",
            "--admin", f"{admin[0]}:{admin[1]}", "--smtp", smtp, "--password-stdin",
        ],
    }  # fmt: skip
    sys.stdout.buffer.write(msgspec.json.encode(ready) + b"\n")
    sys.stdout.buffer.flush()
