"""``smtpadmin serve``: the built-in mail server alone, and the demo's server for the window.

Options become a configuration here; running it is :mod:`smtpadmin.cli.serve_run`'s part.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smtpadmin.cli.arguments import parse_address, parse_duration
from smtpadmin.cli.output import json_option
from smtpadmin.model.errors import UsageError

if TYPE_CHECKING:
    from smtpadmin.builtin.config import NextHop, ServerConfig


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
    password_file: Path | None
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
@click.option("--user", help="A login that may relay; its password is read, never an argument.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="Read the password from the first line of a file.",
)
@click.option(
    "--relay-network",
    "relay_networks",
    multiple=True,
    metavar="NETWORK",
    help="Networks that may relay.  [default: loopback]",
)
@click.option(
    "--max-size",
    type=click.IntRange(min=1),
    metavar="OCTETS",
    help="Of a message.  [default: 25 MiB]",
)
@click.option("--max-recipients", type=click.IntRange(min=1), help="Of a message.  [default: 1000]")
@click.option("--demo", is_flag=True, help="With an outside world and people who write mail.")
@click.option("--exit-with-parent", is_flag=True, help="Stop when standard input ends.")
@json_option
def command(demo: bool, exit_with_parent: bool, as_json: bool, **options: object) -> None:
    """Run the built-in mail server until it is told to stop (Ctrl+C, SIGTERM)."""
    with _data_folder(options.get("data"), demo) as folder:
        config = make_config(_Options(**{**options, "data": folder}))  # type: ignore[arg-type]
        from smtpadmin.cli.serve_run import serve

        asyncio.run(serve(config, demo=demo, as_json=as_json, until_eof=exit_with_parent))


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

    return {options.user: make_record(_password(options))}


def _password(options: _Options) -> str:
    if options.password_file is not None:
        try:
            text = options.password_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"the file cannot be read ({error})", where=str(options.password_file)
            ) from error
        password = text.partition("\n")[0].rstrip("\r")
    elif options.password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        raise UsageError(
            "--user needs a password",
            where="--user",
            remedy="Give it by --password-stdin or --password-file.",
        )
    if not password:
        raise UsageError("the password is empty", where="--user")
    return password


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a network", where="--relay-network", remedy="For example 10.0.0.0/8."
        ) from error
