"""Where to and as whom: the server or a domain's MX hosts, TLS, login."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from smtpadmin.gui.send.form_rows import Choice, add_row, heading, name_it, new_form
from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp_plan import Dialect, LoginPlan, SendPlan, Target, TlsUse
from smtpadmin.protocol.sasl import MAKERS

PORTS = {TlsUse.NONE: 25, TlsUse.OPTIONAL: 25, TlsUse.STARTTLS: 587, TlsUse.IMPLICIT: 465}
LMTP_PORT = 24
AUTO, NO_LOGIN = "auto", "none"


class TargetForm(QWidget):
    """``apply`` puts what was typed into a plan, ``fill`` shows a plan. ``edited`` when the server
    was changed by hand."""

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.host = QLineEdit()
        self.host.setPlaceholderText("mail.example.org:587")
        self.host.textEdited.connect(self._on_edited)
        self.direct = QCheckBox(self.tr("Direct to the domain's MX hosts"))
        self.direct.toggled.connect(self._on_direct)
        self.jump = QCheckBox(self.tr("From the server itself, by SSH"))
        self.tls: Choice[TlsUse] = Choice(
            (
                (TlsUse.NONE, self.tr("No TLS")),
                (TlsUse.OPTIONAL, self.tr("TLS if offered")),
                (TlsUse.STARTTLS, "STARTTLS"),
                (TlsUse.IMPLICIT, self.tr("Implicit TLS")),
            )
        )
        self.tls.choose(TlsUse.STARTTLS)
        self.auth: Choice[str] = Choice(
            (
                (AUTO, self.tr("Login: auto")),
                (NO_LOGIN, self.tr("No login")),
                *((name, name) for name in MAKERS),
            )
        )
        self.auth.currentIndexChanged.connect(self._on_auth)
        self.user, self.password = QLineEdit(), QLineEdit()
        self.user.setPlaceholderText(self.tr("none"))
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        form = new_form()
        add_row(form, self.tr("&Server:"), self.host, self.tr("Server, HOST:PORT"),
                self.tr("Host, HOST:PORT, or the path of a Unix socket"))  # fmt: skip
        name_it(
            self.direct,
            self.direct.text(),
            self.tr("Those of the recipient's domain, each in order, as a mail server does"),
        )
        form.addRow(heading(""), self.direct)
        name_it(self.jump, self.jump.text(), self.tr("The connection begins on that machine"))
        form.addRow(heading(""), self.jump)
        self._form = form
        self.offer_jump(False)
        row = QHBoxLayout()
        row.setSpacing(8)
        name_it(self.tls, self.tr("TLS mode"))
        name_it(self.auth, self.tr("Login method"))
        row.addWidget(self.tls, 1)
        row.addWidget(self.auth, 1)
        form.addRow(heading(self.tr("Security:")), row)
        add_row(form, self.tr("&User:"), self.user, self.tr("User"))
        add_row(form, self.tr("&Password:"), self.password, self.tr("Password or token"),
                self.tr("Or the access token. It is never saved, shown or copied."))  # fmt: skip
        column.addLayout(form)

    def offer_jump(self, possible: bool) -> None:
        """Whether there is a server that can be begun at."""
        self._form.setRowVisible(self.jump, possible)
        self.jump.setChecked(self.jump.isChecked() and possible)

    def _on_edited(self, text: str) -> None:
        self.edited.emit()

    def _on_direct(self) -> None:
        self.host.setEnabled(not self.direct.isChecked())

    def _on_auth(self) -> None:
        for widget in (self.user, self.password):
            widget.setEnabled(self.auth.value != NO_LOGIN)

    def fill(self, plan: SendPlan) -> None:
        """Show it; the password stays what it is, for a plan holds none."""
        target = plan.target
        port = f":{target.port}" if target.port else ""
        host = f"[{target.host}]" if ":" in target.host else target.host
        self.host.setText(target.socket_path or (f"{host}{port}" if target.host else ""))
        self.direct.setChecked(bool(target.mx_of))
        self.tls.choose(plan.tls.use)
        names = plan.login.mechanisms
        self.auth.choose(names[0] if names else AUTO)
        self.user.setText(plan.login.user)

    def apply(self, plan: SendPlan, recipients: Sequence[str]) -> SendPlan:
        """The plan with what was typed. Raises UsageError."""
        tls = replace(plan.tls, use=self.tls.value)
        plan = replace(plan, tls=tls, login=self._login(plan))
        if self.direct.isChecked():
            return replace(plan, target=self._by_mx(plan, recipients))
        text = self.host.text().strip()
        if text.startswith("/"):
            target = replace(plan.target, host="", port=0, mx_of="", socket_path=text)
            return replace(plan, target=target)
        host, port = split_host(text)
        if not host:
            raise UsageError("name a server", where="Server", remedy="Type HOST or HOST:PORT.")
        usual = LMTP_PORT if plan.dialect is Dialect.LMTP else PORTS[plan.tls.use]
        target = replace(plan.target, host=host, port=port or usual, mx_of="", socket_path="")
        return replace(plan, target=target)

    def _by_mx(self, plan: SendPlan, recipients: Sequence[str]) -> Target:
        domains = {address.rpartition("@")[2].lower() for address in recipients}
        if len(domains) != 1 or "" in domains:
            raise UsageError(
                "the recipients are not of one domain",
                where="Direct to the MX hosts",
                remedy="Give recipients of one domain, or name a server.",
            )
        port = plan.target.port if plan.target.mx_of else 25
        return replace(plan.target, host="", socket_path="", port=port, mx_of=domains.pop())

    def _login(self, plan: SendPlan) -> LoginPlan:
        method = self.auth.value
        if method == NO_LOGIN:
            return replace(plan.login, user="", mechanisms=())
        named = () if method == AUTO else (method,)
        kept = plan.login.mechanisms if plan.login.mechanisms[:1] == named else named
        return replace(plan.login, user=self.user.text().strip(), mechanisms=kept)


def split_host(text: str) -> tuple[str, int]:
    """``host``, ``host:port``, ``[v6]:port`` or a bare IPv6 address. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    bare_v6 = text.count(":") > 1 and not text.startswith("[")
    if not colon or bare_v6 or text.endswith("]"):
        host, port = text, ""
    host = host.strip("[] ")
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= 65535):
        raise UsageError(f"{port[:20]!r} is no port", where="Server")
    if host and not (host.isprintable() and " " not in host):
        raise UsageError("that is no host", where="Server", remedy="Type HOST or HOST:PORT.")
    return host, int(port) if port else 0
