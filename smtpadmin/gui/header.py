"""The header of a server: name, environment, connection, software; palette box and Send test."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from smtpadmin.gui.icons import pixmap, tint
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.elided_label import ElidedLabel
from smtpadmin.gui.widgets.label import Label, tooltip
from smtpadmin.gui.widgets.restyle import set_style_property
from smtpadmin.model.profile import Environment, Profile, SafetyLevel
from smtpadmin.model.stats import ProbeResult
from smtpadmin.services.session import SessionState, SessionStatus
from smtpadmin.util.text import visible

NARROW = 900
_ENVIRONMENT_TONES = {
    Environment.PRODUCTION: "err",
    Environment.STAGING: "warn",
    Environment.TEST: "info",
}
_STATES = {
    SessionState.CONNECTING: ("Connecting…", "info"),
    SessionState.CONNECTED: ("Connected", "ok"),
    SessionState.STALE: ("Stale", "warn"),
    SessionState.OFFLINE: ("Offline", "err"),
    SessionState.AUTHENTICATION_FAILED: ("Login failed", "err"),
    SessionState.UNTRUSTED: ("Not trusted", "err"),
    SessionState.PERMISSION_DENIED: ("Denied", "err"),
    SessionState.CLOSED: ("Closed", "warn"),
}


class Header(QWidget):
    """``palette_wanted`` and ``send_wanted`` are its two buttons."""

    palette_wanted = Signal()
    send_wanted = Signal()

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.setObjectName("header")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._profile = profile
        self._name = Label(visible(profile.name, 60))
        self._name.setObjectName("title")
        self._environment = _pill(profile.environment.value.upper())
        self._state = _pill("")
        self._software = ElidedLabel()
        self._software.setObjectName("muted")
        self._lock = Label()
        self._lock.setToolTip(self.tr("Read-only: nothing on this server can be changed"))
        self._lock.setVisible(profile.safety is SafetyLevel.READ_ONLY)
        self._palette = QPushButton()
        self._palette.setObjectName("paletteBox")
        self._palette.setAccessibleName(self.tr("Search or run a command"))
        self._palette.setToolTip(self.tr("Search or run a command (Ctrl+K)"))
        self._palette.clicked.connect(self.palette_wanted)
        self._send = QPushButton(self.tr("Send test…"))
        self._send.setObjectName("primary")
        self._send.setToolTip(self.tr("Send a test message (Ctrl+N)"))
        self._send.clicked.connect(self.send_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 12, 4)
        row.setSpacing(8)
        for widget in (self._name, self._environment, self._state, self._lock):
            row.addWidget(widget)
        row.addWidget(self._software, 1)
        row.addWidget(self._palette)
        row.addWidget(self._send)
        set_style_property(self._environment, "tone", _ENVIRONMENT_TONES[profile.environment])
        self._retint()
        self._fit()
        current_theme().changed.connect(self._retint)

    def show_status(self, status: SessionStatus, probed: ProbeResult | None) -> None:
        """How the connection is, and with what."""
        words, tone = _STATES[status.state]
        self._state.setText(self.tr(words))
        set_style_property(self._state, "tone", tone)
        if probed is not None:
            software = f"{probed.software} {probed.version}".strip()
            self._software.setText(visible(f"{software} · {probed.path}", 120))
            self._software.setToolTip(tooltip(self._software.text()))
        elif status.step:
            self._software.setText(visible(status.step, 80))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        # What is narrower than its words shrinks to icons in _fit.
        return QSize(90 * self.fontMetrics().averageCharWidth(), super().minimumSizeHint().height())

    def _fit(self) -> None:
        narrow = self.width() < NARROW
        self._palette.setText("" if narrow else self.tr("Search or run a command      Ctrl+K"))
        self._software.setVisible(self.width() > NARROW - 200)

    def _retint(self) -> None:
        ratio = self.devicePixelRatioF()
        tint(self._palette, "search", "muted")
        tint(self._send, "send", "on_accent")
        self._lock.setPixmap(pixmap("lock", "muted", 16, ratio))


def _pill(words: str) -> Label:
    label = Label(words)
    label.setObjectName("pill")
    return label
