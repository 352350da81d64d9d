"""Remembers how the user arranged things: window, panes and columns, per kind of server.

Kept as preferences in Qt's own state words (base64). What no longer fits, because a later version has
other columns, is ignored: the arrangement then begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QHeaderView, QMainWindow, QSplitter, QTableView, QWidget

from smtpadmin.settings.preferences import Preferences


def keep_window(preferences: Preferences, window: QMainWindow) -> None:
    """Remember where the window stands and how large it is."""
    preferences.set("layout.window", _words(window.saveGeometry()))


def bring_back_window(preferences: Preferences, window: QMainWindow) -> None:
    """Put the window where it was; onto a screen that is still there."""
    state = preferences.get("layout.window", "")
    if state:
        window.restoreGeometry(_state(state))


def keep_panes(preferences: Preferences, name: str, widget: QWidget) -> None:
    """Remember the splitters and table columns inside ``widget``, or the splitter that it is, under
    ``name``."""
    for key, part in _parts(name, widget):
        preferences.set(key, _words(part.saveState()))


def bring_back_panes(preferences: Preferences, name: str, widget: QWidget) -> None:
    """Arrange the splitters and table columns inside ``widget`` as they were."""
    for key, part in _parts(name, widget):
        state = preferences.get(key, "")
        if state:
            part.restoreState(_state(state))


def _parts(name: str, widget: QWidget) -> Iterator[tuple[str, QSplitter | QHeaderView]]:
    if isinstance(widget, QSplitter):
        yield f"layout.{name}.panes", widget
        return
    for number, splitter in enumerate(widget.findChildren(QSplitter)):
        yield f"layout.{name}.panes{number}of{splitter.count()}", splitter
    for number, table in enumerate(widget.findChildren(QTableView)):
        header = table.horizontalHeader()
        yield f"layout.{name}.columns{number}of{header.count()}", header


def _words(state: QByteArray) -> str:
    return bytes(state.toBase64().data()).decode("ascii")


def _state(words: str) -> QByteArray:
    return QByteArray.fromBase64(QByteArray(words.encode("utf-8")))
