"""``smtpadmin tour``: drives the real window offscreen and saves a picture of every screen."""

from __future__ import annotations

import os
from pathlib import Path

import click

from smtpadmin.cli.output import note


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("smtpadmin-tour"),
    show_default=True,
    help="Folder for the pictures.",
)
def command(out: Path) -> int:
    """Save a picture of every screen and state, and an index.html of them."""
    return save_tour(out)


def save_tour(out: Path) -> int:
    """Run the tour; gives the exit code. Uses a home of its own, so that nothing of the user's is
    read or shown."""
    import tempfile

    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="smtpadmin-tour-", ignore_cleanup_errors=True) as home:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        os.environ["SMTPADMIN_HOME"] = home
        os.environ["SMTPADMIN_SECRETS"] = "session"
        from smtpadmin.gui.application import run_window
        from smtpadmin.gui.tour import Tour
        from smtpadmin.gui.tour_large import LargeTour

        tour, large = Tour(out), LargeTour(out, Path(home))
        run_window(scenario=tour.run)
        tour.add_large(*large.pictures())
        tour.write_index()
    note(f"{len(tour.pictures)} pictures in {out}; open {out / 'index.html'}")
    return 0 if not tour.failures else 1
