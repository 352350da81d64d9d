"""What ``smtpadmin queue show`` prints of a message: all of it, or the views that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from smtpadmin.cli.output import note, print_json
from smtpadmin.formats.message_view import readable, structure_lines, view_message
from smtpadmin.model.errors import UsageError
from smtpadmin.model.message_view import MessageView, Part
from smtpadmin.model.queue import StoredMessage
from smtpadmin.util.text import decode_line, visible

VIEWS = ("headers", "body", "structure", "raw")
MOST_LINE = 4_000


def view_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose what is shown, and where it is saved."""
    for option in reversed(
        (
            click.option("--headers", is_flag=True, help="Header fields, decoded."),
            click.option("--body", is_flag=True, help="The text."),
            click.option("--structure", is_flag=True, help="MIME parts and attachments."),
            click.option("--raw", is_flag=True, help="The message as it stands."),
            click.option(
                "--save", type=click.Path(path_type=Path), metavar="FILE",
                help="Save it (.eml) as a new file.",
            ),
            click.option("--part", metavar="N", help="With --save: this part alone, decoded."),
        )
    ):  # fmt: skip
        function = option(function)
    return function


async def show(message: StoredMessage, options: Mapping[str, Any], as_json: bool) -> None:
    """Print the views, then save. Raises UsageError and StorageError."""
    if options["part"] and not options["save"]:
        raise UsageError("a part needs a file", where="--part", remedy="Add --save FILE.")
    if options["save"]:
        await _save(message.raw, options)
    wanted = [name for name in VIEWS if options[name]]
    if not wanted and options["save"]:
        return
    if as_json:
        print_json(_object(message, wanted))
        return
    click.echo(f"envelope sender: {visible(message.sender) or '<>'}")
    for address in message.recipients:
        click.echo(f"envelope recipient: {visible(address)}")
    found = view_message(message.raw)
    for name in wanted or ["raw"]:
        click.echo("")
        _WORDS[name](message, found)


async def _save(raw: bytes, options: Mapping[str, Any]) -> None:
    from smtpadmin.services.save_message import save_message, save_part

    if options["part"]:
        octets = await save_part(raw, options["part"], options["save"])
    else:
        octets = await save_message(raw, options["save"])
    note(f"{octets} octets saved as {options['save']}")


def _object(message: StoredMessage, wanted: list[str]) -> dict[str, Any]:
    """Without a view the object of old: envelope and raw text."""
    shown: dict[str, Any] = {
        "queue_id": message.queue_id, "sender": message.sender, "recipients": message.recipients,
    }  # fmt: skip
    found = view_message(message.raw)
    for name in wanted or ["raw"]:
        shown[name] = _VALUES[name](message, found)
    if "structure" in wanted:
        shown["attachments"] = found.attachments
    return shown


def _header_values(_: StoredMessage, found: MessageView) -> Any:
    return [{"name": h.name, "value": h.value, "raw": decode_line(h.raw)} for h in found.headers]


def _tree(part: Part) -> dict[str, Any]:
    return {
        "part": part.number, "type": part.content_type, "charset": part.parameters.get("charset"),
        "encoding": part.encoding, "disposition": part.disposition or None,
        "name": part.filename or None, "octets": part.end - part.start, "notes": part.notes,
        "parts": [_tree(child) for child in part.parts],
    }  # fmt: skip


def _raw_lines(message: StoredMessage) -> list[str]:
    return [decode_line(line) for line in message.raw.replace(b"\r\n", b"\n").split(b"\n")]


def _say_headers(_: StoredMessage, found: MessageView) -> None:
    for header in found.headers:
        value = header.value.replace("\t", " ")  # the fold of a long field
        click.echo(f"{visible(header.name)}: {visible(value, MOST_LINE)}")


def _say_structure(_: StoredMessage, found: MessageView) -> None:
    for line in structure_lines(found.root):
        click.echo(line)
    for each in found.attachments:
        click.echo(f"attachment {each.number}: {visible(each.name)} ({each.size} octets)")


def _say_raw(message: StoredMessage, _: MessageView) -> None:
    for line in _raw_lines(message):
        click.echo(visible(line, MOST_LINE))


_VALUES: dict[str, Callable[[StoredMessage, MessageView], Any]] = {
    "headers": _header_values,
    "body": lambda _, found: found.body,
    "structure": lambda _, found: _tree(found.root),
    "raw": lambda message, _: "\n".join(_raw_lines(message)),
}
_WORDS: dict[str, Callable[[StoredMessage, MessageView], None]] = {
    "headers": _say_headers,
    "body": lambda _, found: click.echo(readable(found.body)),
    "structure": _say_structure,
    "raw": _say_raw,
}
