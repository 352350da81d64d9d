"""``smtpadmin send``: a test message with its transcript, followed when that is wanted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smtpadmin.cli.output import json_option, note, plain, print_json
from smtpadmin.model.errors import SmtpadminError, UnreachableError, UsageError
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SendResult, SubmissionEndpoint, TranscriptLine
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    from smtpadmin.connectors.api import Connector
    from smtpadmin.formats.test_message import TestMessage
    from smtpadmin.model.tracking import TrackedMessage

FOLLOW_STEP_S = 0.5
PORTS = {TlsMode.NONE: 25, TlsMode.STARTTLS: 587, TlsMode.IMPLICIT: 465}


@click.command()
@click.option("--server", help="A server with a profile.")
@click.option("--host", help="Instead of --server.")
@click.option("--port", type=click.IntRange(1, 65535))
@click.option(
    "--tls",
    type=click.Choice([mode.value for mode in TlsMode]),
    default="starttls",
    show_default=True,
)
@click.option("--user")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--auth", type=click.Choice(["PLAIN", "LOGIN", "CRAM-MD5"], case_sensitive=False))
@click.option("--ca-file", type=click.Path(), default="")
@click.option("--fingerprint", default="", help="Trust the certificate with this SHA-256.")
@click.option("--from", "sender", required=True, metavar="ADDR", help="<> is the null sender.")
@click.option("--to", "recipients", required=True, multiple=True, metavar="ADDR")
@click.option("--subject", default="smtpadmin test", show_default=True)
@click.option("--body", default="This is a test message of smtpadmin.")
@click.option("--body-file", type=click.File("r", encoding="utf-8"), help="- is standard input.")
@click.option("--html-file", type=click.File("r", encoding="utf-8"))
@click.option("--attach", "attachments", multiple=True, type=click.Path(path_type=Path))
@click.option("--header", "headers", multiple=True, metavar="'Name: value'")
@click.option(
    "--timeout", type=float, default=60.0, show_default=True, help="For the whole session, seconds."
)
@click.option("--follow", is_flag=True, help="Track it afterwards until it has ended.")
@click.option(
    "--follow-for", type=float, default=30.0, show_default=True, help="At most so many seconds."
)
@json_option
def command(as_json: bool, **options: Any) -> int:
    """Send a test message and show the whole dialogue."""
    return asyncio.run(_send(options, as_json))


async def _send(options: dict[str, Any], as_json: bool) -> int:
    from smtpadmin.services.send_test import TestSender, verdict

    endpoint, password, connector = await _target(options)
    message = _message(options)
    sender = TestSender()
    if not as_json:
        sender.line.connect(_show)
    result, error = await sender.send(endpoint, password, message, total_s=options["timeout"])
    trace = await _follow(connector, result, options) if options["follow"] else []
    if as_json:
        print_json(plain(result) | {"trace": plain(trace)})
    else:
        _, words, remedy = verdict(result, error)
        note(f"{words}. {remedy}".strip())
        for tracked in trace:
            note(
                f"now: {tracked.status}, "
                + ", ".join(f"{r.address} {r.status}" for r in tracked.recipients)
            )
    if connector is not None:
        await connector.close()
    return _exit_code(result, error)


def _exit_code(result: SendResult, error: SmtpadminError | None) -> int:
    if result.result == "accepted":
        return 0
    if error is not None and (isinstance(error, UnreachableError) or error.exit_code == 3):
        return 3
    return 1


async def _target(options: dict[str, Any]) -> tuple[SubmissionEndpoint, str, Connector | None]:
    if (options["server"] is None) == (options["host"] is None):
        raise UsageError("name one server", remedy="Use --server NAME or --host HOST.")
    if options["server"] is not None:
        return await _profile_target(options["server"])
    password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else ""
    tls = TlsMode(options["tls"])
    endpoint = SubmissionEndpoint(
        host=options["host"],
        port=options["port"] or PORTS[tls],
        tls=tls,
        user=options["user"] or "",
        mechanisms=(options["auth"].upper(),) if options["auth"] else (),
        fingerprint=options["fingerprint"].replace(":", "").lower(),
        ca_file=options["ca_file"],
    )
    return endpoint, password, None


async def _profile_target(name: str) -> tuple[SubmissionEndpoint, str, Connector]:
    from smtpadmin.connectors.api import Submission, ability
    from smtpadmin.connectors.registry import create
    from smtpadmin.services.servers import secret_names
    from smtpadmin.settings import paths
    from smtpadmin.settings.profiles import ProfileStore
    from smtpadmin.settings.stores import open_store

    store = ProfileStore(await open_store(), paths.state_dir() / "profiles.lock")
    profile = await store.find(name)
    secrets = {n: await store.secret(profile.uuid, n) or "" for n in secret_names(profile.kind)}
    connector = create(profile, secrets)
    submission = ability(connector, Submission)
    if submission is None:
        raise UsageError("this kind of server takes no test mail", where=name)
    if not submission.submission_endpoints():
        await connector.probe()
    endpoints = submission.submission_endpoints()
    if not endpoints:
        raise UsageError(
            "the profile names no SMTP port", where=name, remedy="Edit it and add one."
        )
    return endpoints[0], submission.submission_password(), connector


def _message(options: dict[str, Any]) -> TestMessage:
    from smtpadmin.formats.test_message import TestMessage

    return TestMessage(
        sender="" if options["sender"] == "<>" else options["sender"],
        recipients=tuple(options["recipients"]),
        subject=options["subject"],
        text=options["body_file"].read() if options["body_file"] else options["body"],
        html=options["html_file"].read() if options["html_file"] else "",
        headers=tuple(_header(text) for text in options["headers"]),
        attachments=tuple(_attachment(path) for path in options["attachments"]),
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"{text!r} is not a header", where="--header", remedy="Use 'Name: value'.")
    return name.strip(), value.strip()


def _attachment(path: Path) -> tuple[str, bytes]:
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(path)) from error


def _show(line: TranscriptLine) -> None:
    mark = "~" if line.tls and line.direction != "*" else " "
    click.echo(f"{line.t_ms / 1000:8.3f} {mark}{line.direction} {visible(line.line)}")


async def _follow(
    connector: Connector | None, result: SendResult, options: dict[str, Any]
) -> Sequence[TrackedMessage]:
    from smtpadmin.connectors.api import Tracker, ability
    from smtpadmin.model.status import OPEN_WORST_FIRST
    from smtpadmin.model.tracking import TrackCriteria

    tracker = ability(connector, Tracker) if connector is not None else None
    if tracker is None or result.result != "accepted":
        return []
    found: list[TrackedMessage] = []
    try:
        async with asyncio.timeout(options["follow_for"]):
            while not found or any(m.status in OPEN_WORST_FIRST for m in found):
                criteria = TrackCriteria(message_id=result.message_id)
                found = [message async for message in tracker.track(criteria)]
                await asyncio.sleep(FOLLOW_STEP_S)
    except TimeoutError:
        note(f"not ended within {options['follow_for']:g} s; track it again later")
    return found
