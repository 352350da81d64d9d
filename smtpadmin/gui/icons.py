"""Icons: our SVG sources, tinted by the palette, drawn sharp at the screen's pixel ratio."""

from __future__ import annotations

import math

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.util.resources import read_text

SIZE = 16
_PROPERTY = "tintedIcon"
_cache: dict[tuple[str, str, int, float], QPixmap] = {}


def icon(name: str, token: str = "text") -> QIcon:
    """An icon in a token's colour."""
    found = QIcon()
    for ratio in sorted({1.0, _sharpest()}):
        found.addPixmap(pixmap(name, token, SIZE, ratio))
    return found


def _sharpest() -> float:
    """The highest pixel ratio of the screens there are, whole: Qt scales down without loss."""
    application = QGuiApplication.instance()
    assert isinstance(application, QGuiApplication)
    return float(math.ceil(application.devicePixelRatio()))


def tint(button: QAbstractButton, name: str, token: str = "text") -> None:
    """Give a button an icon that follows the palette (see :func:`retint_buttons`)."""
    button.setProperty(_PROPERTY, f"{name} {token}")
    button.setIcon(icon(name, token))


def retint_buttons() -> None:
    """Draw the icons of all buttons in the colours of the palette that is now in force."""
    for widget in QApplication.allWidgets():
        said = widget.property(_PROPERTY)
        if said and isinstance(widget, QAbstractButton):
            widget.setIcon(icon(*str(said).split()))


def pixmap(name: str, token: str = "text", size: int = SIZE, ratio: float = 1.0) -> QPixmap:
    """An icon as a pixmap of ``size`` device-independent pixels."""
    colour = current_theme().tokens[token]
    key = (name, colour, size, ratio)
    if key not in _cache:
        _cache[key] = _drawn(name, colour, size, ratio)
    return _cache[key]


def _drawn(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    from PySide6.QtSvg import QSvgRenderer

    source = read_text(f"icons/{name}.svg").replace("currentColor", colour)
    pixels = round(size * ratio)
    drawn = QPixmap(QSize(pixels, pixels))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    drawn.setDevicePixelRatio(ratio)
    return drawn
