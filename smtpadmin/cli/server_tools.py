"""``smtpadmin servers route`` and ``try``: what a server would do, without a message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

import click

from smtpadmin.cli.output import json_option, note, plain, print_json, print_table
from smtpadmin.cli.sources import EXIT_NOTHING, connected
from smtpadmin.connectors.api import RoutingTester, ability
from smtpadmin.model.errors import NotPermittedError
from smtpadmin.model.routing import FakeSession, Route, SessionEnvelope

A = TypeVar("A")
_DONE_WELL = frozenset({"delivers", "discarded"})


@click.command()
@click.argument("name")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS…")
@json_option
def route(name: str, addresses: Sequence[str], as_json: bool) -> int:
    """Where the server would send mail to an address. No message is made."""
    found = asyncio.run(_routes(name, addresses))
    if as_json:
        for one in found:
            print_json(plain(one) | {"server": name})
    else:
        columns = ("Address", "Outcome", "Router", "Transport", "Hosts", "Made from", "Reason")
        print_table(columns, (_row(one) for one in found))
    return 0 if all(one.outcome in _DONE_WELL for one in found) else EXIT_NOTHING


def _row(one: Route) -> tuple[object, ...]:
    hosts, parents = ", ".join(one.hosts), ", ".join(one.came_from)
    return (one.address, one.outcome, one.router, one.transport, hosts, parents, one.reason)


async def _routes(name: str, addresses: Sequence[str]) -> list[Route]:
    async with connected((name,), False) as (_, opened):
        tester = _tester(opened[name][1], name)
        return [one for address in addresses for one in await tester.test_routing(address)]


@click.command("try")
@click.argument("name")
@click.option("--client", required=True, metavar="IP", help="Who would connect.")
@click.option("--helo", default="client.example", show_default=True)
@click.option(
    "--from", "sender", default="", metavar="ADDRESS", help="Empty or <>: the null sender."
)
@click.option("--to", "recipients", multiple=True, required=True, metavar="ADDRESS")
@json_option
def try_session(
    name: str, client: str, helo: str, sender: str, recipients: tuple[str, ...], as_json: bool
) -> int:  # fmt: skip
    """What the server would answer a client, and why: a session that never was, up to DATA."""
    envelope = SessionEnvelope(helo, "" if sender == "<>" else sender, recipients)
    session = asyncio.run(_session(name, client, envelope))
    if as_json:
        print_json({**plain(session), "refused": session.refused, "server": name, "client": client})
    else:
        rows = ((r.command or "(connect)", r.code, r.text) for r in session.replies)
        print_table(("Command", "Code", "Reply"), rows)
        for line in (*session.explanation, *session.log):
            note(line)
    return EXIT_NOTHING if session.refused else 0


async def _session(name: str, client: str, envelope: SessionEnvelope) -> FakeSession:
    async with connected((name,), False) as (_, opened):
        return await _tester(opened[name][1], name).fake_session(client, envelope)


def _tester(connector: object, name: str) -> RoutingTester:
    tester = ability(connector, RoutingTester)
    if tester is None:
        raise NotPermittedError("this kind of server has no such test", where=name)
    return tester
