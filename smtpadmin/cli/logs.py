"""``smtpadmin logs``: records of a log, followed live or parsed from files."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smtpadmin.cli.output import json_option, note, print_json
from smtpadmin.cli.sources import (
    EXIT_NOTHING,
    EXIT_SOME_FAILED,
    connected,
    failure_code,
    log_time_options,
    log_times,
    server_options,
)
from smtpadmin.connectors.api import Connector, LogSource, ability
from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.formats.log_range import LogRange
from smtpadmin.model.errors import NotPermittedError, SmtpadminError, UsageError
from smtpadmin.model.filter import Filter
from smtpadmin.model.log import LogRecord
from smtpadmin.services.filtering import log_matcher
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    import msgspec


@click.group(invoke_without_command=True)
@server_options
@click.option(
    "--log",
    "logs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A log file or folder. Repeatable.",
)
@click.option("--format", "log_format", default="auto", show_default=True)
@log_time_options
@click.option("--follow", is_flag=True, help="Go on with new lines until Ctrl+C.")
@click.option(
    "--filter",
    "expression",
    default="",
    metavar="EXPR",
    help="For example event:reject to:*@example.org",
)
@click.option("--since", metavar="T", help="ISO 8601, or 2h, 3d ago.")
@click.option("--until", metavar="T")
@json_option
@click.pass_context
def command(ctx: click.Context, /, as_json: bool, **options: Any) -> int:
    """Records of a server's log, or of log files."""
    if ctx.invoked_subcommand is not None:
        return 0
    return asyncio.run(_logs(options, as_json))


@command.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "log_format", default="auto", show_default=True)
@log_time_options
@json_option
def parse(files: tuple[Path, ...], as_json: bool, **options: Any) -> int:
    """One object for every line of FILES, in order, none dropped."""
    return _from_files(files, options, Filter(), as_json)


async def _logs(options: dict[str, Any], as_json: bool) -> int:
    wanted = parse_filter(options["expression"])
    if options["logs"]:
        if options["names"] or options["everything"]:
            raise UsageError("name servers or logs, not both")
        if options["follow"]:
            return await _follow_files(options, wanted, as_json)
        return _from_files(options["logs"], options, wanted, as_json)
    async with connected(options["names"], options["everything"]) as (_, opened):
        printer = _Printer(wanted, as_json, len(opened) > 1)
        failed: dict[str, SmtpadminError] = {}

        async def one(name: str, connector: Connector) -> None:
            try:
                await _from_server(name, connector, options, printer)
            except SmtpadminError as error:
                failed[name] = error

        await asyncio.gather(*(one(n, c) for n, (_, c) in opened.items()))
        return failure_code(failed, len(opened), printer.printed > 0)


async def _follow_files(options: dict[str, Any], wanted: Filter, as_json: bool) -> int:
    """Named files, or the newest of each log of a folder, until Ctrl+C."""
    from smtpadmin.services.log_files import LogFiles, profile_of
    from smtpadmin.tracking.files import log_files, named_format

    if options["year"]:
        raise UsageError("what is written now is of this year", where="--year")
    if options["log_format"] != "auto":
        named_format(options["log_format"])
    log_times(None, options["zone"])
    log_files(options["logs"])
    profile = profile_of(
        options["logs"], log_format=options["log_format"], zone=options["zone"] or ""
    )
    printer = _Printer(wanted, as_json, named=False)
    await _from_server("", LogFiles(profile, {}), options, printer)
    return 0


def _from_files(
    paths: tuple[Path, ...], options: dict[str, Any], wanted: Filter, as_json: bool
) -> int:
    """Named files in the order of their naming; what cannot be read is told, the rest goes on."""
    from smtpadmin.tracking.files import log_files, named_format, read_records

    chosen = None if options["log_format"] == "auto" else named_format(options["log_format"])
    times = log_times(options["year"], options["zone"])
    printer = _Printer(wanted, as_json, named=False, live=False)
    failed: list[UsageError] = []

    def tell(error: UsageError) -> None:
        failed.append(error)
        note(str(error))

    present = [path for path in paths if path.exists()]
    if present:
        for path in paths:
            if path not in present:
                tell(UsageError("there is no such file or folder", where=str(path)))
    only_files = present and all(path.is_file() for path in present)
    files = present if only_files else log_files(present or paths)
    wanted_times = LogRange(*_span(options))
    for record in filter(wanted_times.holds, read_records(files, chosen, times, tell)):
        printer.show("", record)
    sys.stdout.flush()
    if failed:
        alone = len(failed) == len(files) and not printer.printed
        return failed[0].exit_code if alone else EXIT_SOME_FAILED
    return 0 if printer.printed else EXIT_NOTHING


def _span(options: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    """``--since`` and ``--until`` as moments."""
    from smtpadmin.formats.times import parse_time

    now = datetime.now(UTC)
    since, until = options.get("since"), options.get("until")
    return (parse_time(since, now) if since else None, parse_time(until, now) if until else None)


async def _from_server(
    name: str, connector: Connector, options: dict[str, Any], printer: _Printer
) -> None:
    source = ability(connector, LogSource)
    if source is None:
        raise NotPermittedError("this kind of server shows no log", where=name)
    since, until = _span(options)
    if options["follow"]:
        await _follow(name, source, since, printer)
    async for batch in source.read_log(since, until):
        for record in batch:
            printer.show(name, record)


async def _follow(name: str, source: LogSource, since: datetime | None, printer: _Printer) -> None:
    """Show what comes until Ctrl+C, and why nothing does. Raises what waiting does not mend."""
    from smtpadmin.model.errors import NOT_MENDED_BY_WAITING
    from smtpadmin.services.log_follow import BACKLOG, LogFollow
    from smtpadmin.util.tasks import TaskOwner

    def take(records: list[LogRecord]) -> None:
        for record in records:
            printer.show(name, record)

    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def tell(error: SmtpadminError) -> None:
        if not isinstance(error, NOT_MENDED_BY_WAITING):
            note(f"{error} It is tried again.")
        elif not ended.done():
            ended.set_exception(error)

    follow = LogFollow(source, take, backlog=datetime.now(UTC) - since if since else BACKLOG)
    follow.failed.connect(tell)
    owner = TaskOwner("follow")
    owner.spawn(name or "files", follow.run())
    try:
        await ended
    finally:
        await owner.close()


class _Printer:
    """Prints what passes the filter, and counts it; ``live`` shows each line at once."""

    def __init__(self, wanted: Filter, as_json: bool, named: bool, live: bool = True) -> None:
        self._passes = log_matcher(wanted) if wanted.terms else None
        self._as_json = as_json
        self._named = named
        self._live = live
        self.printed = 0

    def show(self, server: str, record: LogRecord) -> None:
        if self._passes and not self._passes(record, datetime.now(UTC)):
            return
        self.printed += 1
        if not self._as_json:
            click.echo(self._for_people(server, record))
        elif self._live:
            print_json(record)
        else:
            sys.stdout.buffer.write(_as_line(record))

    def _for_people(self, server: str, record: LogRecord) -> str:
        when = record.time.isoformat(" ", "milliseconds") if record.time else ""
        head = f"{server} " if self._named else ""
        queue_id = f"{record.queue_id}: " if record.queue_id else ""
        said = f"{head}{when} {record.event} {queue_id}{record.message or record.raw}"
        return visible(said, 4_000)


def _as_line(record: LogRecord) -> bytes:
    """The record as one object and a line feed, without the detours that any object needs."""
    when = record.time
    return (
        _encoder().encode(
            {
                "file": record.file,
                "line": record.line,
                "time": when.isoformat() if when else None,
                "host": record.host,
                "program": record.program,
                "pid": record.pid,
                "level": record.level,
                "queue_id": record.queue_id,
                "event": record.event,
                "fields": record.fields,
                "message": record.message,
                "raw": record.raw,
            }
        )
        + b"\n"
    )


@cache
def _encoder() -> msgspec.json.Encoder:
    import msgspec

    return msgspec.json.Encoder()
