"""``smtpadmin gui``: the window."""

from __future__ import annotations

import click

from smtpadmin.cli.window import open_window


@click.command()
@click.option("--demo", is_flag=True, help="Start the built-in mail server with real traffic.")
def command(demo: bool) -> int:
    """Open the window."""
    return open_window(demo=demo)
