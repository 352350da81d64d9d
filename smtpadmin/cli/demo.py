"""``smtpadmin demo``: the window on the built-in mail server, or its pictures."""

from __future__ import annotations

from pathlib import Path

import click

from smtpadmin.cli.output import note
from smtpadmin.cli.window import open_window

PICTURES = Path("smtpadmin-tour")


@click.command()
def command() -> int:
    """Open the window on a built-in mail server with real traffic.

    Without a display it saves pictures of every screen instead.
    """
    from smtpadmin.gui.application import has_display

    if has_display():
        return open_window(demo=True)
    note(
        "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set), so pictures of every "
        f"screen are saved to {PICTURES}"
    )
    from smtpadmin.cli.tour import save_tour

    code: int = save_tour(PICTURES)
    return code
