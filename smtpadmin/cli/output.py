"""What every command prints with: JSON Lines on stdout, or a table for people.

Diagnostics go to stderr. Server text passes through ``visible`` before a person sees it.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import click

from smtpadmin.util.text import visible

P = ParamSpec("P")
T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="JSON Lines on stdout.")


def plain(value: object) -> Any:
    """A model object as JSON-ready values: dataclasses as objects, times as ISO 8601 with offset."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return _with_offset(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def print_json(value: object) -> None:
    """One object on one line of stdout, UTF-8, no colour."""
    import msgspec

    sys.stdout.buffer.write(msgspec.json.encode(plain(value)) + b"\n")
    sys.stdout.buffer.flush()


FEW = 200
"""Objects up to which the standard encoder is done before a faster one is loaded."""


def print_json_lines(values: Sequence[object]) -> None:
    """Model objects, one on a line."""
    encode = _few_encoder() if len(values) <= FEW else _fast_encoder()
    write = sys.stdout.buffer.write
    for value in values:
        write(encode(value) + b"\n")
    sys.stdout.buffer.flush()


def _with_offset(value: datetime) -> str:
    return (value.astimezone() if value.tzinfo is None else value).isoformat()


def _fast_encoder() -> Callable[[object], bytes]:
    """msgspec takes the objects apart; it would write times otherwise than :func:`plain`."""
    import msgspec

    take_apart = functools.partial(msgspec.to_builtins, builtin_types=(datetime,))
    encode = _encoder(default=_with_offset)
    return lambda value: encode(take_apart(value))


def _few_encoder() -> Callable[[object], bytes]:
    encode = _encoder()
    return lambda value: encode(plain(value))


def _encoder(default: Callable[[Any], str] | None = None) -> Callable[[object], bytes]:
    import json

    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=default).encode
    return lambda value: encode(value).encode("utf-8", "backslashreplace")


PIPED_WIDTH = 100_000
"""Columns where no terminal limits them: one line a row, whole, for grep and cut."""


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], whole: Sequence[str] = ()
) -> None:
    """A table for people; cells are made safe to show. On a terminal that is too narrow the columns
    named in ``whole`` keep all of their text, because it is typed again elsewhere (queue IDs)."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in columns:
        table.add_column(title, no_wrap=title in whole)
    for row in rows:
        table.add_row(*(Text("" if cell is None else visible(str(cell))) for cell in row))
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(soft_wrap=False, width=width).print(table)


def note(sentence: str) -> None:
    """A sentence for people on stderr."""
    click.echo(f"smtpadmin: {visible(sentence)}", err=True)


def asynchronous(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Make a click command of a coroutine function."""

    import asyncio

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        return asyncio.run(function(*args, **kwargs))

    return wrapper


async def gather_named(jobs: Mapping[str, Awaitable[T]]) -> dict[str, T | BaseException]:
    """Await all; one that fails gives its error instead of stopping the others."""
    import asyncio

    results = await asyncio.gather(*jobs.values(), return_exceptions=True)
    return dict(zip(jobs, results, strict=True))
