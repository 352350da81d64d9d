"""Keeps Qt from reading the source of each module that is imported.

It looks there for names in snake_case to be switched on (``from __feature__ import``), which we do
not use, and takes 7 of the 220 ms that the first window needs. To be imported before the rest of the
window; where PySide6 has no such function any more, nothing happens.
"""

from __future__ import annotations

import sys

import PySide6.QtCore  # noqa: F401 - loads what is looked for

_READER = "_mod_uses_pyside"


def never_look_for_features() -> None:
    """No module that is imported from now on is looked at."""
    feature = sys.modules.get("shibokensupport.feature")
    if hasattr(feature, _READER):
        setattr(feature, _READER, lambda module: False)
