"""The Tests page: checks of the connection stage by stage, and test messages."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
)

from smtpadmin.connectors.api import Submission, ability
from smtpadmin.gui.icons import tint
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.widgets.empty_state import EmptyState
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.stage_list import StageList
from smtpadmin.model.profile import TlsMode
from smtpadmin.services.checks import PORTS, CheckResult, Trust, check_host
from smtpadmin.transport.dns import Resolver


class TestsPage(Page):
    """Type a host, or take the server's own; the list grows as answers come."""

    __test__ = False

    def __init__(self, context: ServerContext) -> None:
        super().__init__(context, "Tests")
        self.host = QLineEdit()
        self.host.setPlaceholderText(self.tr("Host or mail domain, or HOST:PORT"))
        self.host.setAccessibleName(self.tr("Host to check"))
        self.host.returnPressed.connect(self.refresh)
        self.run = QPushButton(self.tr("Check"))
        self.run.setObjectName("primary")
        self.run.clicked.connect(self.refresh)
        send = QPushButton(self.tr("Send a test…"))
        tint(send, "send")
        send.clicked.connect(context.send_wanted)
        self.summary = Label()
        self.summary.setObjectName("muted")
        self.list = StageList()
        self.empty = EmptyState()
        self.empty.show_state(
            "shield", self.tr("Check the connection stage by stage"),
            self.tr("Address, MX and reverse names in the DNS, ports, banner, STARTTLS, certificate and "
                    "login methods, each with its time. Nothing is sent but DNS questions and EHLO."),
            (self.tr("Check now"), self.refresh),
        )  # fmt: skip
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(8)
        row.addWidget(self.host, 1)
        row.addWidget(self.run)
        row.addWidget(send)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.list)
        self.summary.setContentsMargins(12, 0, 12, 6)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.summary)
        column.addWidget(self._stack, 1)

    def activate(self) -> None:
        super().activate()
        if not self.host.text():
            self.host.setText(self._own_endpoint())

    def _own_endpoint(self) -> str:
        submission = ability(self.context.session.connector, Submission)
        endpoints = submission.submission_endpoints() if submission is not None else ()
        if endpoints:
            return f"{endpoints[0].host}:{endpoints[0].port}"
        return self.context.profile.host

    def _trust(self) -> Trust:
        profile = self.context.profile
        return Trust(profile.settings.get("ca_file", ""), profile.trust)

    def focus_filter(self) -> None:
        self.host.setFocus()

    def refresh(self) -> None:
        """Run the checks again."""
        self.scope.cancel_all()
        self.scope.spawn("checks", self._run())

    async def _run(self) -> None:
        host, _, port = self.host.text().strip().rpartition(":")
        ports: Sequence[tuple[int, TlsMode]] = PORTS
        if host and port.isdecimal():
            tls = TlsMode.IMPLICIT if port == "465" else TlsMode.STARTTLS
            ports = ((int(port), tls),)
        else:
            host = self.host.text().strip()
        if not host:
            return
        self.list.start()
        self._stack.setCurrentWidget(self.list)
        self.summary.setText(self.tr("Checking {0}…").format(host))
        async for check in check_host(host, ports, Resolver(), self._trust()):
            self.list.add(check)
        bad = [c for c in self.list.checks if c.result is CheckResult.FAIL]
        warned = [c for c in self.list.checks if c.result is CheckResult.WARN]
        words = self.tr("{0} checks: {1} failed, {2} warnings")
        self.summary.setText(words.format(len(self.list.checks), len(bad), len(warned)))
