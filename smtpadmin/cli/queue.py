"""``smtpadmin queue``: list mail queues, look at messages, act on them safely."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smtpadmin.cli import show_message
from smtpadmin.cli.output import json_option, note, print_json, print_table
from smtpadmin.cli.sources import (
    EXIT_NOTHING,
    EXIT_SOME_FAILED,
    connected,
    failure_code,
    server_options,
)
from smtpadmin.connectors.api import (
    Connector,
    MessageLogSource,
    MessageSource,
    QueueSource,
    ability,
)
from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.model.errors import NotPermittedError, SmtpadminError, UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import QueueAction, QueueEntry
from smtpadmin.services.filtering import queue_matcher
from smtpadmin.util.text import decode_line, visible

if TYPE_CHECKING:
    from smtpadmin.formats.queue_listing import QueueFormat

_MOST_PROBLEMS = 20
_HELP = {
    QueueAction.RETRY: "Try messages now.",
    QueueAction.HOLD: "Stop trying messages until they are released.",
    QueueAction.RELEASE: "Let held messages go on.",
    QueueAction.REQUEUE: "Put messages through the queue anew.",
    QueueAction.BOUNCE: "Return messages to their senders.",
    QueueAction.DELETE: "Delete messages; copies are kept.",
}


@click.group()
def command() -> None:
    """List mail queues and act on queued messages."""


def _filtered(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--filter",
        "expression",
        default="",
        metavar="EXPR",
        help="For example 'age>1h to:*@example.org'",
    )(function)


@command.command("list")
@server_options
@_filtered
@json_option
def list_queue(as_json: bool, **options: Any) -> int:
    """What waits in the queues."""
    return asyncio.run(_list(options, as_json))


async def _list(options: dict[str, Any], as_json: bool) -> int:
    passes = queue_matcher(parse_filter(options["expression"]))
    failed: dict[str, SmtpadminError] = {}
    async with connected(options["names"], options["everything"]) as (_, opened):
        lists = await asyncio.gather(*(_entries(n, c, failed) for n, (_, c) in opened.items()))
        now = datetime.now(UTC)
        found = [entry for entries in lists for entry in entries if passes(entry, now)]
        _show(found, as_json)
        return failure_code(failed, len(opened), True)


async def _entries(
    name: str, connector: Connector, failed: dict[str, SmtpadminError]
) -> list[QueueEntry]:
    source = ability(connector, QueueSource)
    entries: list[QueueEntry] = []
    try:
        if source is None:
            raise NotPermittedError("this kind of server shows no queue", where=name)
        async for batch in source.list_queue():
            entries += batch
    except SmtpadminError as error:
        failed[name] = error
    return entries


def _show(found: Sequence[QueueEntry], as_json: bool) -> None:
    if as_json:
        for entry in found:
            print_json(entry)
        return
    if found:
        columns = ("Queue ID", "Queue", "Arrived", "Size", "Sender", "Recipient", "Reason")
        print_table(columns, (_row(entry) for entry in found), whole=("Queue ID", "Queue"))
    note(f"{len(found)} messages")


def _row(entry: QueueEntry) -> tuple[object, ...]:
    arrived = entry.arrived.astimezone().isoformat(" ", "seconds") if entry.arrived else ""
    waiting = [r.address for r in entry.recipients if not r.delivered]
    more = f" +{len(waiting) - 1}" if len(waiting) > 1 else ""
    to = f"{waiting[0]}{more}" if waiting else ""
    return (
        entry.queue_id,
        entry.queue,
        arrived,
        entry.size,
        entry.sender or "<>",
        to,
        entry.reason,
    )


@command.command()
@server_options
@click.argument("queue_id")
@click.option("--log", "its_log", is_flag=True, help="The log that the server keeps of it (Exim).")
@show_message.view_options
@json_option
def show(as_json: bool, queue_id: str, its_log: bool, **options: Any) -> int:
    """One queued message: envelope and all of it, or the views asked for."""
    one = _show_message_log if its_log else _show_message
    return asyncio.run(one(options, queue_id, as_json))


async def _show_message_log(options: dict[str, Any], queue_id: str, as_json: bool) -> int:
    async with connected(options["names"], options["everything"]) as (_, opened):
        source = ability(_only(opened), MessageLogSource)
        if source is None:
            raise NotPermittedError("this kind of server keeps no log of each message")
        lines = await source.fetch_message_log(queue_id)
    if as_json:
        print_json({"queue_id": queue_id, "log": lines})
    else:
        for line in lines:
            click.echo(visible(line, 4_000))
    return 0


def _only(opened: Mapping[str, tuple[Profile, Connector]]) -> Connector:
    if len(opened) != 1:
        raise UsageError("name one server", remedy="Use --server NAME once.")
    ((_, connector),) = opened.values()
    return connector


async def _show_message(options: dict[str, Any], queue_id: str, as_json: bool) -> int:
    async with connected(options["names"], options["everything"]) as (_, opened):
        connector = _only(opened)
        source = ability(connector, MessageSource)
        if source is None:
            raise NotPermittedError("this kind of server hands no messages out")
        message = await source.fetch_message(queue_id)
    await show_message.show(message, options, as_json)
    return 0


@command.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--format", "listing_format", default="auto", show_default=True)
@json_option
def parse(file: Path, listing_format: str, as_json: bool) -> int:
    """A saved queue listing (- is standard input): postqueue-j, mailq, exim-bp or what else
    --format knows."""
    lines = _lines_of(file)
    if listing_format == "auto" and not any(line.strip() for line in lines):
        note(f"{file}: nothing is in it. It is a queue without messages if the command that wrote "
             "it prints nothing then and did not fail; say which with --format.")  # fmt: skip
        return EXIT_NOTHING
    known = _listing_format(file, lines, listing_format)
    problems: list[str] = []
    now = datetime.now(UTC).astimezone().replace(tzinfo=None)
    entries = list(known.parse(lines, now, problems.append))
    _show(entries, as_json)
    for sentence in problems[:_MOST_PROBLEMS]:
        note(f"{file}: {sentence}")
    if len(problems) > _MOST_PROBLEMS:
        note(f"{file}: and {len(problems) - _MOST_PROBLEMS} more lines that could not be read")
    return (EXIT_SOME_FAILED if entries else EXIT_NOTHING) if problems else 0


def _lines_of(file: Path) -> list[bytes]:
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(file)) from error
    return [line.rstrip(b"\r") for line in data.split(b"\n")]


def _listing_format(file: Path, lines: Sequence[bytes], name: str) -> QueueFormat:
    from smtpadmin.formats import queue_listing

    remedy = f"Name it with --format: {', '.join(queue_listing.FORMATS)}."
    if name != "auto":
        if known := queue_listing.FORMATS.get(name):
            return known
        raise UsageError(f"{name!r} is no format of a listing", where="--format", remedy=remedy)
    head = [line for line in lines if line.strip()][: queue_listing.SNIFFED_LINES]
    if found := queue_listing.detect(head):
        return queue_listing.FORMATS[found]
    first = visible(decode_line(head[0][:400]).strip(), 100)
    what = f"this is no queue listing that is known; it begins with: {first}"
    raise UsageError(what, where=str(file), remedy=remedy)


def _add_action(action: QueueAction) -> None:
    @command.command(action.value, help=_HELP[action])
    @server_options
    @_filtered
    @click.argument("queue_ids", nargs=-1, metavar="[QUEUE_ID…|-]")
    @click.option("--dry-run", is_flag=True, help="Show what would be touched; change nothing.")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @json_option
    def run(as_json: bool, **options: Any) -> int:
        return asyncio.run(_act(action, options, as_json))


for _action in QueueAction:
    _add_action(_action)


async def _act(action: QueueAction, options: dict[str, Any], as_json: bool) -> int:
    wanted = _wanted_ids(options["queue_ids"])
    if not wanted and not options["expression"].strip():
        raise UsageError(
            "say which messages", remedy="Give queue IDs, - for standard input, or --filter."
        )
    passes = queue_matcher(parse_filter(options["expression"]))
    failed: dict[str, SmtpadminError] = {}
    codes: list[int] = []
    async with connected(options["names"], options["everything"]) as (servers, opened):
        for name, (profile, connector) in opened.items():
            entries = await _entries(name, connector, failed)
            now = datetime.now(UTC)
            chosen = [e for e in entries if (not wanted or e.queue_id in wanted) and passes(e, now)]
            missing = (
                sorted(wanted - {e.queue_id for e in chosen})
                if len(opened) == 1 and name not in failed
                else []
            )
            codes.append(
                await _act_on(
                    action, profile, connector, servers.journal, chosen, missing, options, as_json
                )
            )
        return failure_code(failed, len(opened), True) or max(codes, default=0)


def _wanted_ids(given: Sequence[str]) -> set[str]:
    if list(given) == ["-"]:
        return {line.strip() for line in sys.stdin if line.strip()}
    return set(given)


async def _act_on(
    action: QueueAction, profile: Profile, connector: Connector, journal: Any,
    chosen: Sequence[QueueEntry], missing: Sequence[str], options: dict[str, Any], as_json: bool,
) -> int:  # fmt: skip
    from smtpadmin.services.actions import QueueActions

    actions = QueueActions(connector, profile, journal)
    preview = actions.preview(action, chosen)
    for queue_id in missing:
        _tell(queue_id, False, "not in the queue, or not matched", profile.name, as_json)
    if options["dry_run"]:
        for entry in chosen:
            _tell(entry.queue_id, True, f"would {action}", profile.name, as_json, entry)
        return EXIT_SOME_FAILED if missing else 0
    if not chosen:
        return EXIT_SOME_FAILED if missing else 1
    if preview.needs_confirmation or preview.destructive:
        _demand_consent(action, len(chosen), profile, options)
    outcome = await actions.run(action, chosen, preview.confirm(preview.typed_name))
    for result in outcome.results:
        _tell(result.queue_id, result.ok, result.message, profile.name, as_json)
    if outcome.error is not None:
        note(str(outcome.error))
        if isinstance(outcome.error, NotPermittedError) and not outcome.ok:
            return NotPermittedError.exit_code
    return EXIT_SOME_FAILED if outcome.failed or missing else 0


def _demand_consent(
    action: QueueAction, count: int, profile: Profile, options: dict[str, Any]
) -> None:
    if options["yes"]:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"{action} of {count} messages on {profile.name} needs consent",
            remedy="Look with --dry-run, then repeat with --yes.",
        )
    if not click.confirm(f"{action} {count} messages on {profile.name}?", err=True):
        raise click.Abort


def _tell(
    queue_id: str,
    ok: bool,
    message: str,
    server: str,
    as_json: bool,
    entry: QueueEntry | None = None,
) -> None:
    if as_json:
        from smtpadmin.cli.output import plain

        print_json(
            (plain(entry) if entry else {})
            | {"queue_id": queue_id, "server": server, "ok": ok, "message": message}
        )
    else:
        click.echo(f"{visible(queue_id)}: {visible(message) or ('done' if ok else 'failed')}")
