"""Opens the window: what ``smtpadmin`` alone, ``smtpadmin gui`` and ``smtpadmin demo`` do."""

from __future__ import annotations

import gc
import sys


def open_window(*, demo: bool = False) -> int:
    """Show the window until it is closed; gives the exit code. Raises UsageError without a
    display."""
    gc.disable()  # what is imported stays; from the application on, its own collector works
    _import_qt()
    from smtpadmin.gui.application import demand_display, run_window

    demand_display()
    return run_window(demo=demo)


def _import_qt() -> None:
    """Load Qt, and keep it from reading the source of each module that is imported from then on. It
    looks there for names in snake_case to be switched on (``from __feature__ import``), which we do
    not use, and takes 7 of the 220 ms that the first window needs."""
    import PySide6.QtCore  # noqa: F401

    feature = sys.modules.get("shibokensupport.feature")
    if hasattr(feature, "_mod_uses_pyside"):
        feature._mod_uses_pyside = lambda module: False  # type: ignore[union-attr]
