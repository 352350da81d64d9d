"""``smtpadmin send``: a test message with its transcript, once or again and again, followed when that is
wanted."""

from __future__ import annotations

import asyncio
import itertools
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smtpadmin.cli.option_groups import GroupedCommand
from smtpadmin.cli.output import json_option, note, print_json
from smtpadmin.cli.send_options import all_options
from smtpadmin.cli.send_recipe import base_recipe, with_options, with_port
from smtpadmin.model.errors import SmtpadminError, UsageError
from smtpadmin.model.recipe import Recipe
from smtpadmin.model.smtp import SendResult, SubmissionEndpoint, TranscriptLine

if TYPE_CHECKING:
    from smtpadmin.model.follow import FollowReport
    from smtpadmin.model.mailbox import MailboxAccount
    from smtpadmin.services.send_test import TestSender
    from smtpadmin.transport.smtp_route import Opener
    from smtpadmin.transport.smtp_run import Secrets

NO_SECRET = {"EXTERNAL"}
ONLY_FROM_HERE = ("socket_path", "proxy_url", "source", "source_port", "ipv4", "ipv6")
SOME_FAILED = 5


@dataclass(frozen=True, slots=True)
class _Way:
    """What every message needs beside the recipe; ``opener`` connects from another machine."""

    secrets: Secrets
    opener: Opener | None


@click.command(cls=GroupedCommand)
@all_options
@json_option
def command(as_json: bool, **options: Any) -> int:
    """Send a test message and show the whole dialogue."""
    return asyncio.run(_send(options, as_json))


async def _send(options: dict[str, Any], as_json: bool) -> int:
    _check_file_kind(options)
    mailbox = _mailbox(options)
    recipe = base_recipe(options)
    async with _target(recipe, options) as (recipe, password):
        if _only_shown(recipe, options):
            return 0
        _check_target(recipe)
        if options["sender"] is None and not (options["recipe"] or options["swaks"]):
            raise UsageError("name the sender", remedy="Use --from ADDR; <> is the null sender.")
        secrets = _secrets(recipe, options, password)
        async with _way(options) as opener:
            way = _Way(secrets, opener)
            return await _all_turns(recipe, way, options, as_json, mailbox)


def _mailbox(options: dict[str, Any]) -> MailboxAccount | None:
    if not options["mailbox"]:
        return None
    if not options["follow"]:
        raise UsageError("a mailbox is looked into by --follow only", where="--mailbox")
    from smtpadmin.cli import follow

    return follow.mailbox_account(options["mailbox"], options["ca_file"])


def _check_file_kind(options: dict[str, Any]) -> None:
    if options["transcript_file"]:
        from smtpadmin.formats.transcript_export import kind_for

        kind_for(options["transcript_file"].name)


def _only_shown(recipe: Recipe, options: dict[str, Any]) -> bool:
    """Whether the recipe is saved or printed instead of run."""
    if options["save_recipe"]:
        from smtpadmin.services.recipes import save_recipe

        save_recipe(recipe, options["save_recipe"])
        note(f"saved as {options['save_recipe']}; it holds no password")
    if options["as_swaks"]:
        from smtpadmin.formats.swaks_command import swaks_command

        line, notes = swaks_command(recipe)
        click.echo(line)
        for words in notes:
            note(words)
    if options["print_message"]:
        from smtpadmin.services.compose import Turn, compose

        turn = Turn(datetime.now(UTC), server=recipe.plan.target.host)
        sys.stdout.buffer.write(compose(recipe.letter, turn, uuid.uuid4()).raw)
    return any(options[name] for name in ("save_recipe", "as_swaks", "print_message"))


async def _all_turns(
    recipe: Recipe,
    way: _Way,
    options: dict[str, Any],
    as_json: bool,
    mailbox: MailboxAccount | None,
) -> int:
    """Every message, one after the other; gives the exit code."""
    from smtpadmin.services.send_test import TestSender
    from smtpadmin.settings import paths

    sender = TestSender(paths.state_dir() / "sent.jsonl")
    if not as_json:
        sender.line.connect(_show_line)
    pause = _pause(options["every"])
    times = options["times"] or (0 if pause else 1)
    codes: list[int] = []
    for n in range(1, times + 1) if times else itertools.count(1):
        if n > 1 and pause:
            await asyncio.sleep(pause)
        turn = (n, times or n)
        codes.append(await _one_turn(sender, recipe, way, options, as_json, turn, mailbox))
    return codes[0] if len(set(codes)) == 1 else SOME_FAILED


async def _one_turn(
    sender: TestSender,
    recipe: Recipe,
    way: _Way,
    options: dict[str, Any],
    as_json: bool,
    turn: tuple[int, int],
    mailbox: MailboxAccount | None,
) -> int:
    """``turn`` is which message of how many."""
    result, error = await sender.send_recipe(
        recipe, way.secrets, total_s=options["timeout"], n=turn[0], times=turn[1], opener=way.opener
    )
    if not as_json:
        _say_verdict(result, error)
    if options["transcript_file"]:
        _save_transcript(result, options["transcript_file"])
    report = None
    if options["follow"]:
        from smtpadmin.cli import follow

        report = await follow.follow_sent(result, sender.raw, options, mailbox)
    if as_json:
        _print_object(result, report)
    elif report is not None:
        from smtpadmin.cli import follow

        follow.say_report(report, options["follow_for"])
    if error is not None:
        return error.exit_code
    return follow.exit_code(report) if report is not None else 0


def _pause(text: str | None) -> float:
    if not text:
        return 0.0
    from smtpadmin.formats.spans import seconds_of

    return seconds_of(text, "--every")


def _print_object(result: SendResult, report: FollowReport | None) -> None:
    from smtpadmin.services.send_test import as_record

    more: dict[str, Any] = {"trace": []}
    if report is not None:
        from smtpadmin.cli import follow

        more = follow.as_record(report)
    print_json(as_record(result) | more)


def _save_transcript(result: SendResult, path: Path) -> None:
    from smtpadmin.formats.transcript_export import export_transcript, kind_for
    from smtpadmin.services.send_test import as_record
    from smtpadmin.settings.files import write_private

    text = export_transcript(result, as_record(result), kind_for(path.name))
    try:
        write_private(path, text.encode("utf-8"))
    except OSError as error:
        note(f"{path}: the transcript cannot be written ({error.strerror})")


# Where to.


@asynccontextmanager
async def _target(recipe: Recipe, options: dict[str, Any]) -> AsyncIterator[tuple[Recipe, str]]:
    """The recipe with the way to the server, and a profile's password."""
    from smtpadmin.transport.smtp_endpoint import plan_of

    if options["server"] is None:
        yield with_port(with_options(recipe, options)), ""
        return
    if any(options[name] for name in ("host", "mx_of", "socket_path")):
        raise UsageError("name one server", remedy="Use --server NAME or --host HOST.")
    async with _profile(options["server"]) as (endpoint, password):
        known = plan_of(endpoint)
        plan = replace(recipe.plan, target=known.target, tls=known.tls, login=known.login)
        yield with_port(with_options(replace(recipe, plan=plan), options)), password


@asynccontextmanager
async def _way(options: dict[str, Any]) -> AsyncIterator[Opener | None]:
    """What opens connections from another server; nothing for this machine."""
    name = options["from_server"]
    if name is None:
        yield None
        return
    if any(options[each] for each in ONLY_FROM_HERE):
        raise UsageError(
            "it connects as that server does",
            where=f"--from-server {name}",
            remedy="Leave out --socket, --via, --source, --source-port, -4 and -6.",
        )
    from smtpadmin.cli.sources import open_servers
    from smtpadmin.services.tunnel import can_tunnel, tunnel

    servers = await open_servers()
    (profile,) = await servers.resolve([name])
    if not can_tunnel(profile):
        raise UsageError("this server is not reached over SSH", where=f"--from-server {name}")
    async with tunnel(profile, await servers.secrets(profile)) as opener:
        yield opener


def _check_target(recipe: Recipe) -> None:
    target = recipe.plan.target
    ways = [bool(target.host), bool(target.mx_of), bool(target.socket_path)]
    if sum(ways) != 1:
        raise UsageError("name one server", remedy="Use --server NAME or --host HOST.")


def _secrets(recipe: Recipe, options: dict[str, Any], password: str) -> Secrets:
    """Typed once, whatever is sent how often."""
    from smtpadmin.transport.smtp_run import Secrets

    login = recipe.plan.login
    needed = bool(login.user) and not (login.mechanisms and set(login.mechanisms) <= NO_SECRET)
    if needed and (options["user"] or options["password_stdin"] or not password):
        password = _typed("Password", options)
    proxy = (options["via_user"], "") if options["via_user"] else ("", "")
    if proxy[0]:
        proxy = (proxy[0], _typed("Password of the proxy", options))
    return Secrets(password if needed else "", proxy)


def _typed(words: str, options: dict[str, Any]) -> str:
    if options["password_stdin"]:
        names = ("body_file", "html_file", "raw_file", "to_file")
        if Path("-") in [options[name] for name in names]:
            raise UsageError("password and text cannot both come from standard input")
        return sys.stdin.readline().rstrip("\r\n")
    if sys.stdin.isatty():
        return str(click.prompt(words, hide_input=True, err=True))
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


# What became of it.


def _show_line(line: TranscriptLine) -> None:
    from smtpadmin.formats.transcript_export import text_line

    click.echo(text_line(line))


def _say_verdict(result: SendResult, error: SmtpadminError | None) -> None:
    from smtpadmin.model.errors import UntrustedError
    from smtpadmin.services.send_test import verdict

    _, words, remedy = verdict(result, error)
    note(f"{words}. {remedy}".strip())
    if isinstance(error, UntrustedError) and error.fingerprint:
        names: Sequence[str] = error.detail.splitlines()
        note(f"the certificate's SHA-256 is {error.fingerprint}; {', '.join(names)}")
