"""``smtpadmin track``: what happened to messages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from smtpadmin.cli.output import json_option, note, print_json_lines, print_table
from smtpadmin.cli.sources import (
    EXIT_NOTHING,
    EXIT_SOME_FAILED,
    connected,
    failure_code,
    log_time_options,
    log_times,
    server_options,
)
from smtpadmin.model.errors import StorageError, UsageError
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage


@click.command()
@server_options
@click.option(
    "--log",
    "logs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A log file or a folder of them. Repeatable.",
)
@click.option("--format", "log_format", default="auto", show_default=True)
@log_time_options
@click.option("--from", "sender", metavar="ADDR")
@click.option("--to", "recipient", metavar="ADDR")
@click.option("--message-id", metavar="ID")
@click.option("--queue-id", metavar="ID")
@click.option("--client", metavar="IP-OR-NAME")
@click.option("--status", type=click.Choice([s.value for s in DeliveryStatus]))
@click.option("--subject", metavar="TEXT")
@click.option("--since", metavar="T", help="ISO 8601, or 2h, 3d ago.")
@click.option("--until", metavar="T")
@click.option("--limit", type=click.IntRange(1))
@click.option("--lines", is_flag=True, help="With the log lines.")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what is found to FILE, as its name ends: .html, .csv, .jsonl or .txt.",
)
@json_option
def command(as_json: bool, **options: Any) -> int:
    """Find out what happened to a message. All criteria must hold."""
    criteria = criteria_from(options, datetime.now(UTC))
    if options["report"]:
        _check_suffix(options["report"])
    if options["logs"]:
        if options["names"] or options["everything"]:
            raise UsageError("name servers or logs, not both")
        return _in_files(options, criteria, as_json)
    import asyncio

    return asyncio.run(_on_servers(options, criteria, as_json))


def criteria_from(options: dict[str, Any], now: datetime) -> TrackCriteria:
    """The options as criteria. Raises UsageError."""
    from smtpadmin.formats.times import parse_time

    return TrackCriteria(
        sender=options["sender"],
        recipient=options["recipient"],
        message_id=options["message_id"],
        queue_id=options["queue_id"],
        client=options["client"],
        status=DeliveryStatus(options["status"]) if options["status"] else None,
        subject=options["subject"],
        since=parse_time(options["since"], now) if options["since"] else None,
        until=parse_time(options["until"], now) if options["until"] else None,
        limit=options["limit"],
        lines=options["lines"],
    )


def _in_files(options: dict[str, Any], criteria: TrackCriteria, as_json: bool) -> int:
    from smtpadmin.tracking.files import log_files
    from smtpadmin.tracking.track_logs import track_files

    failed: list[UsageError] = []
    times = log_times(options["year"], options["zone"])
    files = log_files(options["logs"])
    found = track_files(files, options["log_format"], criteria, times, failed.append)
    code = _answer(found, options, criteria, as_json)
    for error in failed:
        note(str(error))
    if failed:
        alone = len({error.where for error in failed}) == len(files) and code == EXIT_NOTHING
        return failed[0].exit_code if alone else EXIT_SOME_FAILED
    return code


async def _on_servers(options: dict[str, Any], criteria: TrackCriteria, as_json: bool) -> int:
    from smtpadmin.tracking.engine import Failures, track_servers
    from smtpadmin.tracking.follow import hosts_of, once

    failures = Failures()
    async with connected(options["names"], options["everything"]) as (_, opened):
        by_name = {name: connector for name, (_, connector) in opened.items()}
        hosts = {name: hosts_of(profile) for name, (profile, _) in opened.items()}
        found = once([m async for m in track_servers(by_name, criteria, failures, hosts)])
        _answer(found, options, criteria, as_json)
        return failure_code(failures.by_server, len(opened), bool(found))


def _check_suffix(path: Path) -> None:
    """Before a long search. Raises UsageError."""
    from smtpadmin.formats.track_report import report

    report((), path.suffix.lower(), "", datetime.now(UTC))


def _answer(
    found: list[TrackedMessage], options: dict[str, Any], criteria: TrackCriteria, as_json: bool
) -> int:
    """To the report and, as it was asked, to standard output. A report without messages says so."""
    path: Path | None = options["report"]
    if path is None:
        return _show(found, as_json)
    from smtpadmin.formats.track_report import report
    from smtpadmin.settings.files import write_private

    made = datetime.now().astimezone()
    content = report(found, path.suffix.lower(), in_words(criteria), made)
    try:
        write_private(path, content.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise StorageError(f"the report cannot be written ({error.strerror})", where=str(path)) from error  # fmt: skip
    note(f"{len(found)} message{'' if len(found) == 1 else 's'} written to {path}")
    if as_json:
        print_json_lines(found)
    return 0 if found else 1


def in_words(criteria: TrackCriteria) -> str:
    """The criteria as the options that name them."""
    words = {
        "from": criteria.sender, "to": criteria.recipient, "message-id": criteria.message_id,
        "queue-id": criteria.queue_id, "client": criteria.client, "status": criteria.status,
        "subject": criteria.subject, "since": criteria.since, "until": criteria.until,
        "limit": criteria.limit,
    }  # fmt: skip
    shown = (f"{name}: {_word(value)}" for name, value in words.items() if value is not None)
    return ", ".join(shown) or "all messages"


def _word(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _show(found: list[TrackedMessage], as_json: bool) -> int:
    if as_json:
        print_json_lines(found)
    elif found:
        columns = ("Arrived", "Status", "Sender", "Recipients", "Subject", "Queue IDs")
        print_table(columns, (_row(message) for message in found), whole=("Status", "Queue IDs"))
        note(f"{len(found)} message{'' if len(found) == 1 else 's'}")
    return 0 if found else 1


def _row(message: TrackedMessage) -> tuple[object, ...]:
    arrived = message.arrived.astimezone().isoformat(" ", "seconds") if message.arrived else ""
    sender = "" if message.sender is None else message.sender or "<>"
    recipients = ", ".join(f"{r.address} ({r.status})" for r in message.recipients[:5])
    return (
        arrived,
        message.status,
        sender,
        recipients,
        message.subject,
        ", ".join(message.queue_ids),
    )
