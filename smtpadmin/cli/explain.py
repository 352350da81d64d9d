"""``smtpadmin explain``: what a reply or a bounce means and what to do."""

from __future__ import annotations

from pathlib import Path

import click

from smtpadmin.cli.output import json_option, plain, print_json
from smtpadmin.model.errors import UsageError
from smtpadmin.model.explanation import Explanation
from smtpadmin.util.text import visible

MOST_OCTETS = 30 * 1024 * 1024


@click.command()
@click.argument("reply", required=False)
@click.option(
    "--file", "file", type=click.Path(path_type=Path), help="A whole bounce message (.eml)."
)
@json_option
def command(reply: str | None, file: Path | None, as_json: bool) -> None:
    """Explain REPLY, for example "452 4.2.2 mailbox full", or a bounce message."""
    from smtpadmin.services.explain import explain_message, explain_reply

    if (reply is None) == (file is None):
        raise UsageError("give one reply, or one file with --file")
    found = explain_message(_read(file)) if file is not None else explain_reply(reply or "")
    if as_json:
        print_json(plain(found))
    else:
        _say(found)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_OCTETS)
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(file)) from error


def _say(found: Explanation) -> None:
    click.echo(visible(found.summary))
    click.echo(f"  reason: {found.reason}   who acts: {found.who_acts}")
    click.echo(f"  {visible(found.remedy)}")
    for recipient in found.recipients:
        status = recipient.status or ""
        click.echo(
            f"  {visible(recipient.address)}: {recipient.action} {status} {recipient.reason}"
            f"  {visible(recipient.diagnostic, 200)}"
        )
