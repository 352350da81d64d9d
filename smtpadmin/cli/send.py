"""``smtpadmin send``: a test message with its transcript, followed when that is wanted."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smtpadmin.cli import follow
from smtpadmin.cli.output import json_option, note, print_json
from smtpadmin.model.errors import SmtpadminError, UsageError
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SendResult, SubmissionEndpoint, TranscriptLine
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    from smtpadmin.formats.test_message import TestMessage

PORTS = {TlsMode.NONE: 25, TlsMode.STARTTLS: 587, TlsMode.IMPLICIT: 465}
MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"]
_FILE = click.Path(path_type=Path, allow_dash=True)
_SECONDS = click.FloatRange(min=0, min_open=True)
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@click.command()
@click.option("--server", help="A server with a profile; what else is given counts more.")
@click.option("--host", help="Instead of --server.")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: by --tls]")
@click.option(
    "--tls", type=click.Choice([mode.value for mode in TlsMode]), help="[default: starttls]"
)
@click.option("--user")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option(
    "--auth",
    type=click.Choice(MECHANISMS, case_sensitive=False),
    metavar=f"[{'|'.join(MECHANISMS)}]",
    help="This login method and no other; for XOAUTH2 the password is the access token.",
)
@click.option("--ca-file", help="Certificates to trust, PEM.")
@click.option("--fingerprint", help="Trust the certificate with this SHA-256.")
@click.option("--from", "sender", required=True, metavar="ADDR", help="<> is the null sender.")
@click.option("--to", "recipients", required=True, multiple=True, metavar="ADDR")
@click.option("--subject", default="smtpadmin test", show_default=True)
@click.option("--body", default="This is a test message of smtpadmin.")
@click.option("--body-file", type=_FILE, help="UTF-8; - is standard input.")
@click.option("--html-file", type=_FILE, help="UTF-8; added beside the text.")
@click.option("--attach", "attachments", multiple=True, type=click.Path(path_type=Path))
@click.option("--header", "headers", multiple=True, metavar="'Name: value'")
@click.option(
    "--timeout",
    type=_SECONDS,
    default=60,
    show_default=True,
    help="For the whole session, seconds.",
)
@click.option("--follow", is_flag=True, help="Track it through every server that has a profile.")
@click.option(
    "--follow-for", type=_SECONDS, default=30, show_default=True, help="At most so many seconds."
)
@follow.mailbox_option
@json_option
def command(as_json: bool, **options: Any) -> int:
    """Send a test message and show the whole dialogue."""
    return asyncio.run(_send(options, as_json))


async def _send(options: dict[str, Any], as_json: bool) -> int:
    from smtpadmin.services.send_test import TestSender, as_record
    from smtpadmin.settings import paths

    message = _message(options)
    mailbox = None
    if options["mailbox"]:
        if not options["follow"]:
            raise UsageError("a mailbox is looked into by --follow only", where="--mailbox")
        mailbox = follow.mailbox_account(options["mailbox"], options["ca_file"])
    sender = TestSender(paths.state_dir() / "sent.jsonl")
    if not as_json:
        sender.line.connect(_show_line)
    async with _target(options) as (endpoint, password):
        result, error = await sender.send(endpoint, password, message, total_s=options["timeout"])
    if not as_json:
        _say_verdict(result, error)
    report = None
    if options["follow"]:
        report = await follow.follow_sent(result, sender.raw, options, mailbox)
    if as_json:
        more = follow.as_record(report) if report is not None else {"trace": []}
        print_json(as_record(result) | more)
    elif report is not None:
        follow.say_report(report, options["follow_for"])
    return 0 if error is None else error.exit_code


# Where to.


@asynccontextmanager
async def _target(options: dict[str, Any]) -> AsyncIterator[tuple[SubmissionEndpoint, str]]:
    if (options["server"] is None) == (options["host"] is None):
        raise UsageError("name one server", remedy="Use --server NAME or --host HOST.")
    if options["server"] is None:
        endpoint = _with_options(_direct(options), options)
        yield endpoint, _typed_password(options) if endpoint.user else ""
        return
    async with _profile(options["server"]) as (endpoint, password):
        if options["user"] or options["password_stdin"]:
            password = _typed_password(options)
        yield _with_options(endpoint, options), password


def _direct(options: dict[str, Any]) -> SubmissionEndpoint:
    host = options["host"].strip().strip("[]")
    if not host or not host.isprintable():
        raise UsageError(f"{options['host']!r} is not a host", where="--host")
    tls = TlsMode(options["tls"] or TlsMode.STARTTLS)
    return SubmissionEndpoint(host, PORTS[tls], tls)


def _with_options(endpoint: SubmissionEndpoint, options: dict[str, Any]) -> SubmissionEndpoint:
    changes: dict[str, Any] = {
        name: options[name] for name in ("port", "user", "ca_file") if options[name]
    }
    if options["tls"]:
        changes["tls"] = TlsMode(options["tls"])
    if options["auth"]:
        changes["mechanisms"] = (options["auth"].upper(),)
    if options["fingerprint"]:
        changes["fingerprint"] = _fingerprint(options["fingerprint"])
    return replace(endpoint, **changes)


def _fingerprint(text: str) -> str:
    bare = text.replace(":", "").replace(" ", "").lower()
    if not _FINGERPRINT.fullmatch(bare):
        raise UsageError(
            f"{text!r} is not a SHA-256 fingerprint",
            where="--fingerprint",
            remedy="It has 64 hexadecimal digits.",
        )
    return bare


def _typed_password(options: dict[str, Any]) -> str:
    if options["password_stdin"]:
        if Path("-") in (options["body_file"], options["html_file"]):
            raise UsageError("password and text cannot both come from standard input")
        return sys.stdin.readline().rstrip("\r\n")
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, err=True))
    raise UsageError("a user needs a password", remedy="Give it with --password-stdin.")


@asynccontextmanager
async def _profile(name: str) -> AsyncIterator[tuple[SubmissionEndpoint, str]]:
    from smtpadmin.cli.sources import open_servers
    from smtpadmin.connectors.api import Submission, ability

    servers = await open_servers()
    async with servers.open_connector(name) as (_, connector):
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
        yield endpoints[0], submission.submission_password()


# What.


def _message(options: dict[str, Any]) -> TestMessage:
    from smtpadmin.formats.test_message import TestMessage

    if options["body_file"] == options["html_file"] == Path("-"):
        raise UsageError("text and HTML cannot both come from standard input")
    return TestMessage(
        sender="" if options["sender"] == "<>" else options["sender"],
        recipients=tuple(options["recipients"]),
        subject=options["subject"],
        text=_text(options["body_file"]) if options["body_file"] else options["body"],
        html=_text(options["html_file"]) if options["html_file"] else "",
        headers=tuple(_header(text) for text in options["headers"]),
        attachments=tuple((path.name, _octets(path)) for path in options["attachments"]),
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"{text!r} is not a header", where="--header", remedy="Use 'Name: value'.")
    return name.strip(), value.strip()


def _text(path: Path) -> str:
    octets = sys.stdin.buffer.read() if path == Path("-") else _octets(path)
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("this text is not UTF-8", where=str(path)) from error


def _octets(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(path)) from error


# What became of it.


def _show_line(line: TranscriptLine) -> None:
    mark = "~" if line.tls and line.direction != "*" else " "
    click.echo(f"{line.t_ms / 1000:8.3f} {mark}{line.direction} {visible(line.line)}")


def _say_verdict(result: SendResult, error: SmtpadminError | None) -> None:
    from smtpadmin.model.errors import UntrustedError
    from smtpadmin.services.send_test import verdict

    _, words, remedy = verdict(result, error)
    note(f"{words}. {remedy}".strip())
    if isinstance(error, UntrustedError) and error.fingerprint:
        names: Sequence[str] = error.detail.splitlines()
        note(f"the certificate's SHA-256 is {error.fingerprint}; {', '.join(names)}")
