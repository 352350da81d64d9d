"""The look in force: which palette, and everything that must change with it.

The application owns two palettes and applies them itself; the system, or the user, only chooses.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from PySide6.QtCore import QDir, QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from smtpadmin.gui.theme.stylesheet import stylesheet
from smtpadmin.gui.theme.tokens import DARK, LIGHT, TONES
from smtpadmin.util.resources import folder


class Scheme(enum.StrEnum):
    """Who decides between light and dark."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Theme(QObject):
    """Applies a palette to the application; ``changed`` tells widgets that paint by themselves."""

    changed = Signal()

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        _in_force[:] = [self]
        self.scheme = Scheme.SYSTEM
        self.tokens: Mapping[str, str] = LIGHT
        QDir.setSearchPaths("controls", [str(folder("controls"))])  # the style sheet's arrows
        application.setStyle(QStyleFactory.create("Fusion"))
        hints = QGuiApplication.styleHints()
        if hasattr(hints, "colorSchemeChanged"):
            hints.colorSchemeChanged.connect(self._on_system_scheme)
        self.apply(Scheme.SYSTEM)

    @property
    def is_dark(self) -> bool:
        """Whether the dark palette is in force."""
        return self.tokens is DARK

    def apply(self, scheme: Scheme) -> None:
        """Choose, and restyle every window."""
        self.scheme = scheme
        dark = scheme is Scheme.DARK or (scheme is Scheme.SYSTEM and _system_is_dark())
        self.tokens = DARK if dark else LIGHT
        self._application.setPalette(palette_of(self.tokens))
        self._application.setStyleSheet(stylesheet(self.tokens, TONES))
        self.changed.emit()

    def color(self, token: str) -> QColor:
        """A token's colour."""
        return QColor(self.tokens[token])

    def _on_system_scheme(self) -> None:
        if self.scheme is Scheme.SYSTEM:
            self.apply(Scheme.SYSTEM)


def _system_is_dark() -> bool:
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def palette_of(tokens: Mapping[str, str]) -> QPalette:
    """The tokens as a Qt palette, for everything that no style sheet reaches."""
    roles = {
        QPalette.ColorRole.Window: "bg",
        QPalette.ColorRole.WindowText: "text",
        QPalette.ColorRole.Base: "panel",
        QPalette.ColorRole.AlternateBase: "alternate",
        QPalette.ColorRole.Text: "text",
        QPalette.ColorRole.Button: "panel",
        QPalette.ColorRole.ButtonText: "text",
        QPalette.ColorRole.ToolTipBase: "panel",
        QPalette.ColorRole.ToolTipText: "text",
        QPalette.ColorRole.PlaceholderText: "muted",
        QPalette.ColorRole.Highlight: "select",
        QPalette.ColorRole.HighlightedText: "text",
        QPalette.ColorRole.Link: "accent",
        QPalette.ColorRole.Accent: "accent",
        QPalette.ColorRole.Mid: "line",
    }
    palette = QPalette()
    for role, token in roles.items():
        palette.setColor(role, QColor(tokens[token]))
    for role in (
        QPalette.ColorRole.Text,
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.ButtonText,
    ):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens["muted"]))
    return palette


_in_force: list[Theme] = []
"""Asked for by every paint: finding it among the application's children takes far longer."""


def has_theme() -> bool:
    """Whether the application has its theme already."""
    return bool(_in_force)


def current_theme() -> Theme:
    """The theme of the running application, of which there is one in a process."""
    assert _in_force, "make_application() comes first"
    return _in_force[0]
