"""Opens the window: what ``smtpadmin`` alone, ``smtpadmin gui`` and ``smtpadmin demo`` do."""

from __future__ import annotations

import gc


def open_window(*, demo: bool = False) -> int:
    """Show the window until it is closed; gives the exit code. Raises UsageError without a
    display."""
    gc.disable()  # what is imported stays; from the application on, its own collector works
    from smtpadmin.gui.qt_features import never_look_for_features

    never_look_for_features()
    from smtpadmin.gui.application import demand_display, run_window

    demand_display()
    return run_window(demo=demo)
