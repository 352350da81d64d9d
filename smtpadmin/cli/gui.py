"""``smtpadmin gui``: the window."""

from __future__ import annotations

import click


@click.command()
@click.option("--demo", is_flag=True, help="Start the built-in mail server with real traffic.")
def command(demo: bool) -> int:
    """Open the window."""
    from smtpadmin.gui.application import demand_display, run_window

    demand_display()
    return run_window(demo=demo)
