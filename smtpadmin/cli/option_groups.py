"""A command whose help lists its options in groups, for commands that have many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class GroupedOption(click.Option):
    """An option that knows under which heading it stands."""

    def __init__(self, *args: Any, group: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class GroupedCommand(click.Command):
    """Options under their headings, those without one at the end."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each heading, in the order of declaration."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(parameter, "group", "") or "Other", []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def in_group(group: str, *options: tuple[tuple[str, ...], dict[str, Any]]) -> Decorator:
    """Add options, each given by its names and its settings, under one heading."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for names, settings in reversed(options):
            function = click.option(*names, cls=GroupedOption, group=group, **settings)(function)
        return function

    return decorate


def opt(*names: str, **settings: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """One option for :func:`in_group`."""
    return names, settings
