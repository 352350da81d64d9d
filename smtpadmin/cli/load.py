"""``smtpadmin load``: a load test of one's own server, with live figures."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smtpadmin.cli.output import json_option, note, plain, print_json, print_table
from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import TlsMode

if TYPE_CHECKING:
    from smtpadmin.model.load import LoadFigures, LoadPlan, LoadTarget

PORTS = {TlsMode.NONE: 25, TlsMode.STARTTLS: 587, TlsMode.IMPLICIT: 465}
EXIT_BAD_NEWS, EXIT_SOME_FAILED = 1, 5
TELL_S = 1.0


@click.command()
@click.option("--server", help="A server with a profile.")
@click.option("--host", help="Instead of --server.")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: by --tls]")
@click.option("--tls", type=click.Choice([mode.value for mode in TlsMode]), help="[default: none]")
@click.option("--user", help="Log in (AUTH PLAIN).")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--ca-file", type=click.Path(path_type=Path), help="Certificates to trust, PEM.")
@click.option("--i-own-this-server", "owned", is_flag=True, help="Needed beyond loopback.")
@click.option("--connections", type=int, default=10, show_default=True, help="At the same time.")
@click.option("--messages", type=int, default=100, show_default=True, help="In all.")
@click.option("--recipients", type=int, default=1, show_default=True, help="Of each message.")
@click.option("--size", type=int, default=2048, show_default=True, help="Octets of each message.")
@click.option("--rate", type=float, default=0.0, help="Messages a second.  [default: no limit]")
@click.option("--per-connection", type=int, default=0, help="Messages.  [default: no limit]")
@click.option("--pipelining", is_flag=True, help="MAIL, RCPT and DATA together (RFC 2920).")
@click.option("--from", "sender", metavar="ADDR", help="[default: load@smtpadmin.invalid]")
@click.option("--to", "recipient", metavar="ADDR", required=True, help="%d numbers recipients.")
@click.option(
    "--timeout", type=float, default=60.0, show_default=True, help="For one answer, seconds."
)
@json_option
def command(as_json: bool, **options: Any) -> int:
    """Send many messages over many connections, and tell rate, latency and errors.

    Only for a server of your own: loopback, a profile of a staging or test server, or your word.
    Stops at once at Ctrl+C.
    """
    return asyncio.run(_load(options, as_json))


async def _load(options: dict[str, Any], as_json: bool) -> int:
    from smtpadmin.cli.stopping import stop_event
    from smtpadmin.services.load_test import LoadTest
    from smtpadmin.util.tasks import TaskOwner

    if (options["server"] is None) == (options["host"] is None):
        raise UsageError("name one server", remedy="Use --server NAME or --host HOST.")
    target, password = await (_of_profile(options) if options["server"] else _of_host(options))
    test = LoadTest(target, _plan(options), password)
    teller = _Teller(as_json)
    test.progress.connect(teller.tell)
    stop = stop_event()
    owner = TaskOwner("load")
    owner.spawn("stop", _stop_when(stop, test.stop))
    try:
        figures = await test.run()
    finally:
        await owner.close()
    if as_json:
        print_json({"kind": "result"} | plain(figures))
    else:
        _show(figures)
    return _exit_code(figures)


async def _stop_when(stop: asyncio.Event, call: Any) -> None:
    await stop.wait()
    call()


def _exit_code(figures: LoadFigures) -> int:
    if figures.stopped or not figures.accepted:
        return EXIT_BAD_NEWS
    return EXIT_SOME_FAILED if figures.failed or figures.recipients_refused else 0


def _plan(options: dict[str, Any]) -> LoadPlan:
    from smtpadmin.model.load import LoadPlan

    return LoadPlan(
        connections=options["connections"],
        messages=options["messages"],
        recipients=options["recipients"],
        size=options["size"],
        rate=options["rate"],
        per_connection=options["per_connection"],
        pipelining=options["pipelining"],
        sender=options["sender"] or LoadPlan().sender,
        recipient=options["recipient"],
        answer_s=options["timeout"],
    )


async def _of_host(options: dict[str, Any]) -> tuple[LoadTarget, str]:
    from smtpadmin.services.load_test import permitted_target

    tls = TlsMode(options["tls"] or TlsMode.NONE)
    target = await permitted_target(
        options["host"].strip().strip("[]"),
        options["port"] or PORTS[tls],
        i_own_this_server=options["owned"],
        tls=tls,
        user=options["user"] or "",
        ca_file=str(options["ca_file"] or ""),
    )
    return target, _password(options) if target.user else ""


async def _of_profile(options: dict[str, Any]) -> tuple[LoadTarget, str]:
    """The first submission endpoint of a profile; what else is given counts more."""
    from smtpadmin.cli.sources import open_servers
    from smtpadmin.connectors.api import Submission, ability
    from smtpadmin.services.load_test import check_profile, permitted_target

    name = options["server"]
    servers = await open_servers()
    async with servers.open_connector(name) as (profile, connector):
        check_profile(profile)
        submission = ability(connector, Submission)
        if submission is None:
            raise UsageError("this kind of server takes no mail", where=name)
        if not submission.submission_endpoints():
            await connector.probe()
        endpoints = submission.submission_endpoints()
        if not endpoints:
            raise UsageError("the profile names no SMTP port", where=name, remedy="Add one.")
        endpoint, password = endpoints[0], submission.submission_password()
    target = await permitted_target(
        endpoint.host,
        options["port"] or endpoint.port,
        profile=profile,
        i_own_this_server=options["owned"],
        tls=TlsMode(options["tls"]) if options["tls"] else endpoint.tls,
        user=options["user"] or endpoint.user,
        ca_file=str(options["ca_file"] or endpoint.ca_file),
        fingerprint=endpoint.fingerprint,
    )
    return target, _password(options) if options["user"] or options["password_stdin"] else password


def _password(options: dict[str, Any]) -> str:
    if options["password_stdin"]:
        return sys.stdin.readline().rstrip("\r\n")
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, err=True))
    raise UsageError("a user needs a password", remedy="Give it with --password-stdin.")


class _Teller:
    """Tells the figures once a second."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._next_s = TELL_S

    def tell(self, figures: LoadFigures) -> None:
        if figures.finished or figures.elapsed_s < self._next_s:
            return
        self._next_s = figures.elapsed_s + TELL_S
        if self._as_json:
            print_json({"kind": "progress"} | plain(figures))
        else:
            note(
                f"{figures.accepted} of {figures.wanted} accepted, {figures.failed} failed, "
                f"{figures.rate:g}/s, 99 % within {figures.latency.p99:g} ms"
            )


def _show(figures: LoadFigures) -> None:
    latency, connect = figures.latency, figures.connect
    print_table(
        ("accepted", "failed", "seconds", "messages/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "connect p95 ms"),
        [(figures.accepted, figures.failed, figures.elapsed_s, figures.mean_rate, latency.p50, latency.p95,
          latency.p99, latency.max, connect.p95)],
    )  # fmt: skip
    if figures.errors:
        rows = [(error.count, error.stage, error.reply) for error in figures.errors]
        print_table(("times", "at", "reply"), rows)
    if figures.stopped:
        note("stopped before the end")
