"""``smtpadmin catch``: a server that takes every message, delivers none, and errs as it is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smtpadmin.cli.arguments import address_text, parse_address, parse_duration
from smtpadmin.cli.output import json_option, note, plain, print_json
from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import TlsMode

if TYPE_CHECKING:
    from smtpadmin.model.catch import CatchRule, CaughtMessage, CaughtSession
    from smtpadmin.services.catch_server import CatchConfig, CatchServer

MOST_WAITING = 1_000
LEAVE_S = 2.0
EXIT_NOTHING = 1


@click.command()
@click.option("--listen", default="127.0.0.1:2525", show_default=True, metavar="HOST:PORT")
@click.option(
    "--tls",
    type=click.Choice([mode.value for mode in TlsMode]),
    default=TlsMode.STARTTLS.value,
    show_default=True,
    help="Of --listen.",
)
@click.option("--implicit", metavar="HOST:PORT", help="A second port, TLS from the start.")
@click.option("--outside", is_flag=True, help="Allow addresses that other machines reach.")
@click.option(
    "--hostname", default="localhost", show_default=True, help="In banner and certificate."
)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="'AT …'",
    help="Err, for example: 'rcpt recipient=full@* reply=\"452 4.2.2 full\"'. Repeatable.",
)
@click.option(
    "--rules", "rules_file", type=click.Path(path_type=Path), help="Rules from a JSON file."
)
@click.option("--seed", type=int, help="Of the dice that odds throw.")
@click.option("--save", type=click.Path(path_type=Path), help="A folder for .eml files.")
@click.option("--max-size", type=click.IntRange(min=1), metavar="OCTETS", help="[default: 50 MiB]")
@click.option("--sessions", is_flag=True, help="Print each session with its transcript, too.")
@click.option("--count", type=click.IntRange(min=1), help="Leave after so many messages.")
@click.option("--for", "duration", metavar="30s", help="Leave after so long.")
@json_option
def command(as_json: bool, **options: Any) -> int:
    """Catch mail: take every message, deliver none, show it with its checks.

    Runs until it is told to stop (Ctrl+C, SIGTERM).
    """
    return asyncio.run(_catch(_config(options), options, as_json))


def _config(options: dict[str, Any]) -> CatchConfig:
    from smtpadmin.services.catch_server import CatchConfig, CatchLimits
    from smtpadmin.settings.paths import data_dir

    limits = CatchLimits()
    return CatchConfig(
        listen=parse_address(options["listen"], "--listen"),
        tls=TlsMode(options["tls"]),
        implicit=parse_address(options["implicit"], "--implicit") if options["implicit"] else None,
        outside=options["outside"],
        hostname=options["hostname"],
        rules=_rules(options),
        seed=options["seed"],
        save=options["save"],
        tls_folder=data_dir() / "catch-tls",
        limits=CatchLimits(message_size=options["max_size"] or limits.message_size),
    )


def _rules(options: dict[str, Any]) -> tuple[CatchRule, ...]:
    from smtpadmin.formats.catch_rules import read_rule, read_rules

    found = tuple(read_rule(text) for text in options["rules"])
    file: Path | None = options["rules_file"]
    if file is None:
        return found
    try:
        octets = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(file)) from error
    return found + read_rules(octets, str(file))


async def _catch(config: CatchConfig, options: dict[str, Any], as_json: bool) -> int:
    from smtpadmin.cli.stopping import stop_event
    from smtpadmin.services.catch_server import CatchServer

    stop = stop_event()
    seconds = parse_duration(options["duration"], "--for") if options["duration"] else None
    server = CatchServer(config)
    printer = _Printer(server, as_json=as_json, sessions=options["sessions"], most=options["count"])
    async with server.running():
        _say_ready(server, as_json)
        await _until(stop, printer, seconds)
        if not stop.is_set():
            await server.wait_for_clients(LEAVE_S)  # the last one is still to say QUIT
    await printer.print_waiting()
    return EXIT_NOTHING if options["duration"] and not printer.printed else 0


async def _until(stop: asyncio.Event, printer: _Printer, seconds: float | None) -> None:
    """Print until a signal comes, the time is over or the count is reached."""
    from smtpadmin.util.tasks import TaskOwner

    owner = TaskOwner("catch", lambda name, error: None)  # their errors are raised below
    tasks = [owner.spawn("stop", stop.wait()), owner.spawn("print", printer.run())]
    try:
        done, _ = await asyncio.wait(
            [task for task in tasks if task is not None],
            timeout=seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in done:
            task.result()
    finally:
        await owner.close()


def _say_ready(server: CatchServer, as_json: bool) -> None:
    assert server.address is not None
    listen = address_text(server.address)
    implicit = address_text(server.implicit_address) if server.implicit_address else None
    if as_json:
        print_json(
            {
                "kind": "ready",
                "listen": listen,
                "implicit": implicit,
                "ca_file": str(server.ca_file),
            }
        )
        return
    note(f"catching mail on {listen}" + (f" and, with TLS, on {implicit}" if implicit else ""))
    note(f"certificate authority in {server.ca_file}; nothing is delivered")


class _Printer:
    """Prints what is caught, in order. Checks take time: what comes meanwhile waits, up to a limit."""

    def __init__(
        self, server: CatchServer, *, as_json: bool, sessions: bool, most: int | None
    ) -> None:
        self.printed = 0
        self._as_json = as_json
        self._most = most
        self._waiting: asyncio.Queue[CaughtMessage | CaughtSession] = asyncio.Queue(MOST_WAITING)
        server.caught.connect(self._put)
        if sessions:
            server.session_ended.connect(self._put)

    def _put(self, item: CaughtMessage | CaughtSession) -> None:
        try:
            self._waiting.put_nowait(item)
        except asyncio.QueueFull:
            note("mail comes faster than it can be shown; one was caught and is not printed")

    async def run(self) -> None:
        """Print until the count is reached."""
        while self._most is None or self.printed < self._most:
            await self._print(await self._waiting.get())

    async def print_waiting(self) -> None:
        """Print what has come and is not printed yet."""
        while not self._waiting.empty():
            await self._print(self._waiting.get_nowait())

    async def _print(self, item: CaughtMessage | CaughtSession) -> None:
        from smtpadmin.model.catch import CaughtMessage
        from smtpadmin.services.catch_store import message_record, session_record
        from smtpadmin.services.message_checks import checks_of

        if not isinstance(item, CaughtMessage):
            print_json(session_record(item)) if self._as_json else _show_session(item)
            return
        if self._most is not None and self.printed >= self._most:
            return
        self.printed += 1
        checks = await checks_of(item)
        if self._as_json:
            print_json(message_record(item) | {"checks": plain(checks)})
        else:
            _show_message(item, checks)


def _show_message(message: CaughtMessage, checks: Any) -> None:
    from smtpadmin.model.message_check import MessageVerdict
    from smtpadmin.util.text import visible

    to = ", ".join(message.recipients[:5]) + (" …" if len(message.recipients) > 5 else "")
    words = (
        f"{message.time:%H:%M:%S} <{message.sender}> to {to}: {message.subject or '(no subject)'}"
    )
    mark = "" if message.accepted else f" refused: {message.reply}"
    click.echo(f"{visible(words)} ({message.size} octets, {message.protocol}){visible(mark)}")
    for check in checks:
        if check.result in (MessageVerdict.FAIL, MessageVerdict.WARN):
            click.echo(f"    {check.result.value}: {visible(f'{check.summary}. {check.fix}')}")


def _show_session(session: CaughtSession) -> None:
    from smtpadmin.util.text import visible

    for line in session.transcript:
        mark = "~" if line.tls and line.direction != "*" else " "
        click.echo(f"{line.t_ms / 1000:8.3f} {mark}{line.direction} {visible(line.line)}")
