"""Help in groups."""

from __future__ import annotations

import click
from click.testing import CliRunner

from smtpadmin.cli.option_groups import GroupedCommand, in_group, opt


def test_options_stand_under_their_headings() -> None:
    @click.command(cls=GroupedCommand)
    @in_group("First", opt("--a", help="one"), opt("--b"))
    @in_group("Second", opt("--c", is_flag=True))
    @click.option("--d")
    def command(**options: object) -> None:
        print(options)

    shown = CliRunner().invoke(command, ["--help"]).output
    order = [
        shown.index(word)
        for word in ("First:", "--a", "--b", "Second:", "--c", "Other:", "--d", "--help")
    ]
    assert order == sorted(order)
    assert "'a': '5'" in CliRunner().invoke(command, ["--a", "5"]).output
