"""The Settings page of the catch server: where it listens, TLS and login, and a card to copy."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.icons import tint
from smtpadmin.gui.pages.catch_state import CatchState
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.narrow_box import NarrowBox
from smtpadmin.model.profile import TlsMode
from smtpadmin.services.catch_host import (
    ANY_PASSWORD,
    ANY_USER,
    CatchHost,
    CatchSetup,
    LoginRule,
)
from smtpadmin.transport.catch_listener import is_loopback

_TLS = ((TlsMode.STARTTLS, "STARTTLS is offered"), (TlsMode.IMPLICIT, "TLS from the start"),
        (TlsMode.NONE, "No TLS"))  # fmt: skip
_LOGINS = (
    (LoginRule.ACCEPTED, "Any user and password are accepted, none is needed"),
    (LoginRule.REQUIRED, "A login is required before MAIL, any user and password will do"),
    (LoginRule.REFUSED, "Every login is refused (535)"),
)


class CatchSettingsPage(Page):
    """What is chosen takes effect with Apply; an address that others reach needs a tick."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__(context, "Settings")
        host = context.session.connector
        assert isinstance(host, CatchHost)
        self.server = host
        self.state = CatchState(context, host)
        self.host, self.port = QLineEdit(), QSpinBox()
        self.tls, self.login = QComboBox(), QComboBox()
        self.warning = Banner(closable=False)
        self.consent = QCheckBox(self.tr("I know that others can reach it there: listen anyway"))
        self.apply = QPushButton(self.tr("Apply and restart"))
        self.apply.setObjectName("primary")
        self.card = QFormLayout()
        self.copy = QPushButton(self.tr("Copy"))
        tint(self.copy, "copy")
        self._fill()
        self._lay_out()
        self._show_setup()
        self._show_card()
        self.host.textChanged.connect(self._on_changed)
        self.port.valueChanged.connect(self._on_changed)
        self.tls.currentIndexChanged.connect(self._on_changed)
        self.login.currentIndexChanged.connect(self._on_changed)
        self.consent.toggled.connect(self._on_changed)
        self.apply.clicked.connect(self._on_apply)
        self.copy.clicked.connect(self._on_copy)
        host.changed.connect(self._on_server)
        self._on_changed()

    def _fill(self) -> None:
        for mode, words in _TLS:
            self.tls.addItem(self.tr(words), mode)
        for login, words in _LOGINS:
            self.login.addItem(self.tr(words), login)
        self.login.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.login.setMinimumContentsLength(40)
        self.port.setRange(0, 65_535)
        self.port.setSpecialValueText(self.tr("a free one"))
        self.port.lineEdit().setTextMargins(6, 0, 0, 0)
        self.host.setPlaceholderText("127.0.0.1")

    def _lay_out(self) -> None:
        inner = NarrowBox()
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(12)
        column.addLayout(self._form())
        column.addWidget(self.warning)
        column.addWidget(self.consent)
        row = QHBoxLayout()
        row.addWidget(self.apply)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self._card())
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.state)
        outer.addWidget(area, 1)

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        rows = ((self.tr("&Address:"), self.host), (self.tr("P&ort:"), self.port),
                (self.tr("T&LS:"), self.tls), (self.tr("Lo&gin:"), self.login))  # fmt: skip
        for words, widget in rows:
            label = Label(words)
            label.setBuddy(widget)
            widget.setAccessibleName(words.replace("&", "").rstrip(":"))
            form.addRow(label, widget)
        return form

    def _card(self) -> QWidget:
        box = QFrame()
        box.setObjectName("card")
        column = QVBoxLayout(box)
        column.setContentsMargins(14, 10, 14, 12)
        title = Label(self.tr("What to type into the program that sends"))
        title.setObjectName("subtitle")
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(self.copy)
        column.addLayout(head)
        self.card.setHorizontalSpacing(20)
        column.addLayout(self.card)
        return box

    async def close_page(self) -> None:
        await self.state.close_state()
        self.server.changed.disconnect(self._on_server)
        await super().close_page()

    # What is chosen.

    def chosen(self) -> CatchSetup:
        """What the form says, with the rules that are in force."""
        host = self.host.text().strip().strip("[]") or "127.0.0.1"
        return CatchSetup(
            host=host,
            port=self.port.value(),
            tls=TlsMode(self.tls.currentData()),
            login=LoginRule(self.login.currentData()),
            outside=not is_loopback(host) and self.consent.isChecked(),
            rules=self.server.setup.rules,
        )

    def _show_setup(self) -> None:
        setup = self.server.setup
        self.host.setText(setup.host)
        self.port.setValue(setup.port)
        self.tls.setCurrentIndex(self.tls.findData(setup.tls))
        self.login.setCurrentIndex(self.login.findData(setup.login))

    def _on_changed(self, *_: object) -> None:
        chosen = self.chosen()
        outside = not is_loopback(chosen.host)
        self.consent.setVisible(outside)
        if outside:
            self.warning.show_message(
                "warn", self.tr("Others could reach the catch server there"),
                self.tr("It takes every message of everybody and keeps it in this computer's memory. "
                        "Only do this in a network that you trust, behind a firewall; nothing that "
                        "is caught is delivered."),
            )  # fmt: skip
        else:
            self.warning.hide()
        running = self.server.address is not None
        self.apply.setText(self.tr("Apply and restart") if running else self.tr("Apply and start"))
        self.apply.setEnabled(
            (chosen != self.server.setup or not running) and (chosen.outside or not outside)
        )

    def _on_apply(self) -> None:
        self.state.set_up(self.chosen())

    def _on_server(self) -> None:
        """It runs otherwise now. What is being typed stays; a port that was free has a number."""
        if self.port.value() == 0:
            self.port.setValue(self.server.setup.port)
        self._show_card()
        self._on_changed()

    # The card.

    def rows(self) -> list[tuple[str, str]]:
        """Name and value of each setting."""
        endpoint = next(iter(self.server.submission_endpoints()), None)
        if endpoint is None:
            return []
        login = self.server.setup.login
        any_ = {LoginRule.ACCEPTED: self.tr("{0} (or any other, or none)"),
                LoginRule.REQUIRED: self.tr("{0} (or any other)"),
                LoginRule.REFUSED: self.tr("{0} (refused)")}[login]  # fmt: skip
        tls = {TlsMode.NONE: self.tr("none"), TlsMode.STARTTLS: self.tr("STARTTLS"),
               TlsMode.IMPLICIT: self.tr("SSL/TLS from the start")}[endpoint.tls]  # fmt: skip
        found = [
            (self.tr("Host"), endpoint.host),
            (self.tr("Port"), str(endpoint.port)),
            (self.tr("User"), any_.format(ANY_USER)),
            (self.tr("Password"), any_.format(ANY_PASSWORD)),
            (self.tr("TLS"), tls),
        ]
        if endpoint.ca_file:
            found.append((self.tr("Authority to trust"), endpoint.ca_file))
        return found

    def _show_card(self) -> None:
        while self.card.rowCount():
            self.card.removeRow(0)
        rows = self.rows()
        for name, value in rows:
            label, shown = Label(f"{name}:"), Label(value)
            label.setObjectName("muted")
            shown.setWordWrap(True)
            shown.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse
                | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
            shown.setAccessibleName(f"{name}: {value}")
            self.card.addRow(label, shown)
        if not rows:
            words = Label(self.tr("The server is stopped. Start it, and its settings stand here."))
            self.card.addRow(words)
        self.copy.setEnabled(bool(rows))

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText("".join(f"{n}: {v}\n" for n, v in self.rows()))
        self.context.notice.emit(self.tr("Copied"), None)
