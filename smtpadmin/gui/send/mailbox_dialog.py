"""The mailbox in which a test message is to arrive: IMAP or POP3, and where its password is kept."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.send.form_rows import Choice, add_row, name_it, new_form, number_in
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label
from smtpadmin.model.errors import UsageError
from smtpadmin.model.mailbox import MAILBOX_PORTS, MailboxAccount, MailboxProtocol
from smtpadmin.model.profile import TlsMode


class MailboxDialog(QDialog):
    """``account`` is the mailbox after it was accepted, None for none. ``keeper`` says where it may be
    kept for good, empty when there is no profile."""

    def __init__(self, account: MailboxAccount | None, keeper: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Mailbox to look into"))
        self.account = account
        self.banner = Banner(closable=False)
        self.protocol: Choice[MailboxProtocol] = Choice(
            ((MailboxProtocol.IMAP, "IMAP"), (MailboxProtocol.POP3, "POP3"))
        )
        self.tls: Choice[TlsMode] = Choice(
            (
                (TlsMode.IMPLICIT, self.tr("Implicit TLS")),
                (TlsMode.STARTTLS, "STARTTLS"),
                (TlsMode.NONE, self.tr("No TLS")),
            )
        )
        self.host, self.port, self.user = QLineEdit(), QLineEdit(), QLineEdit()
        self.password, self.fingerprint = QLineEdit(), QLineEdit()
        self.ca_file = QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.keep = QCheckBox(self.tr("Keep it with the secrets of {0}").format(keeper))
        self.keep.setVisible(bool(keeper))
        self._lay_out()
        self._fill(account)
        self.protocol.currentIndexChanged.connect(self._tell_port)
        self.tls.currentIndexChanged.connect(self._tell_port)
        self._tell_port()

    def _lay_out(self) -> None:
        form = new_form()
        row = QHBoxLayout()
        name_it(self.protocol, self.tr("Protocol"))
        name_it(self.tls, self.tr("TLS of the mailbox"))
        row.addWidget(self.protocol)
        row.addWidget(self.tls)
        form.addRow(Label(self.tr("Protocol:")), row)
        add_row(form, self.tr("&Host:"), self.host, self.tr("Host of the mailbox"))
        add_row(form, self.tr("P&ort:"), self.port, self.tr("Port of the mailbox"))
        add_row(form, self.tr("&User:"), self.user, self.tr("User of the mailbox"))
        add_row(form, self.tr("&Password:"), self.password, self.tr("Password of the mailbox"))
        add_row(form, self.tr("&CA file:"), self.ca_file, self.tr("Certificates to trust, PEM"))
        add_row(form, self.tr("&Trust SHA-256:"), self.fingerprint,
                self.tr("Trust the certificate with this SHA-256"))  # fmt: skip
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.none = buttons.addButton(self.tr("None"), QDialogButtonBox.ButtonRole.ActionRole)
        self.none.clicked.connect(self._on_none)
        self.go = buttons.addButton(self.tr("Use it"), QDialogButtonBox.ButtonRole.ActionRole)
        self.go.setObjectName("primary")
        self.go.setDefault(True)
        self.go.clicked.connect(self._on_go)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(10)
        words = Label(
            self.tr("A test message that is followed is looked for here, and so is its bounce.")
        )
        words.setWordWrap(True)
        for widget in (words, self.banner):
            column.addWidget(widget)
        column.addLayout(form)
        column.addWidget(self.keep)
        column.addStretch(1)
        column.addWidget(buttons)
        self.setMinimumWidth(56 * self.fontMetrics().averageCharWidth())

    def _fill(self, account: MailboxAccount | None) -> None:
        self.none.setEnabled(account is not None)
        if account is None:
            return
        self.protocol.choose(account.protocol)
        self.tls.choose(account.tls)
        usual = MAILBOX_PORTS[account.protocol, account.tls]
        for edit, text in (
            (self.host, account.host), (self.user, account.user), (self.password, account.password),
            (self.port, "" if account.port == usual else str(account.port)),
            (self.ca_file, account.ca_file), (self.fingerprint, account.fingerprint),
        ):  # fmt: skip
            edit.setText(text)

    def _tell_port(self) -> None:
        self.port.setPlaceholderText(str(MAILBOX_PORTS[self.protocol.value, self.tls.value]))

    def _on_none(self) -> None:
        self.account = None
        self.accept()

    def _on_go(self) -> None:
        try:
            self.account = self._typed()
        except UsageError as error:
            self.banner.show_message("err", error.what, error.remedy)
            return
        self.accept()

    def _typed(self) -> MailboxAccount:
        host, user = self.host.text().strip(), self.user.text().strip()
        if not host or not user:
            raise UsageError("a mailbox has a host and a user")
        protocol, tls = self.protocol.value, self.tls.value
        return MailboxAccount(
            protocol,
            host,
            number_in(self.port.text(), "Port", 65535) or MAILBOX_PORTS[protocol, tls],
            tls,
            user,
            self.password.text(),
            self.ca_file.text().strip(),
            self.fingerprint.text().replace(":", "").replace(" ", "").lower(),
        )
