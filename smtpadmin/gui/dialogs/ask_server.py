"""Asks a server what it would do: where mail to an address goes, and what a client is answered."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.connectors.api import RoutingTester
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.message_views import text_view
from smtpadmin.model.errors import SmtpadminError, UsageError
from smtpadmin.model.routing import FakeSession, Route, SessionEnvelope
from smtpadmin.util.text import visible


class AskServer(QDialog):
    """Two questions that make no message: routing, and a session that never was."""

    def __init__(self, tester: RoutingTester, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Ask {0} what it would do").format(name))
        self._tester = tester
        self._scope = TaskScope(self, self._on_error)
        self.banner = Banner(closable=False)
        self.address = self._edit(self.tr("Address"), "anna@example.org")
        self.client = self._edit(self.tr("Client"), "192.0.2.7")
        self.helo = self._edit(self.tr("HELO name"), "client.example")
        self.from_ = self._edit(self.tr("From"), self.tr("empty: the null sender"))
        self.recipient = self._edit(self.tr("To"), "anna@example.org")
        self.answer = text_view(self.tr("Answer"))
        self.tabs = QTabWidget()
        self.tabs.addTab(
            self._page(self.tr("Where would mail go?"), self._ask_route, self.address),
            self.tr("Routing"),
        )
        self.tabs.addTab(
            self._page(
                self.tr("What would it answer?"), self._ask_session,
                self.client, self.helo, self.from_, self.recipient,
            ),
            self.tr("Session"),
        )  # fmt: skip
        self._lay_out()

    def _edit(self, name: str, example: str) -> QLineEdit:
        edit = QLineEdit()
        edit.setPlaceholderText(example)
        edit.setAccessibleName(name)
        return edit

    def _page(self, words: str, ask: object, *edits: QLineEdit) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.setHorizontalSpacing(16)
        button = QPushButton(words)
        button.setObjectName("primary")
        button.clicked.connect(ask)
        for edit in edits:
            edit.returnPressed.connect(ask)
            label = Label(f"{edit.accessibleName()}:")
            label.setBuddy(edit)
            form.addRow(label, edit)
        form.addRow("", button)
        return page

    def _lay_out(self) -> None:
        self.tabs.setMaximumHeight(12 * self.fontMetrics().height())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for widget, stretch in ((self.tabs, 0), (self.banner, 0), (self.answer, 1), (buttons, 0)):
            column.addWidget(widget, stretch)
        em = self.fontMetrics().averageCharWidth()
        self.resize(100 * em, 30 * self.fontMetrics().height())

    def _ask_route(self) -> None:
        self._scope.spawn("route", self._route())

    def _ask_session(self) -> None:
        self._scope.spawn("session", self._session())

    async def _route(self) -> None:
        address = self.address.text().strip()
        if not address:
            raise UsageError("type an address")
        self._wait()
        routes = await self._tester.test_routing(address)
        self._show("\n".join(map(route_words, routes)) or self.tr("The server said nothing."))

    async def _session(self) -> None:
        client, recipient = self.client.text().strip(), self.recipient.text().strip()
        if not client or not recipient:
            raise UsageError("type the client's IP address and a recipient")
        self._wait()
        envelope = SessionEnvelope(
            self.helo.text().strip() or self.helo.placeholderText(),
            self.from_.text().strip().removeprefix("<").removesuffix(">"),
            (recipient,),
        )
        found = await self._tester.fake_session(client, envelope)
        self._show(session_words(found))
        tone = "warn" if found.refused else "ok"
        words = self.tr("It would refuse") if found.refused else self.tr("It would accept")
        self.banner.show_message(tone, words)

    def _wait(self) -> None:
        self.answer.clear()
        self.banner.show_message("info", self.tr("Asking…"))

    def _show(self, words: str) -> None:
        self.banner.hide()
        assert isinstance(self.answer, QPlainTextEdit)
        self.answer.setPlainText(words)

    def _on_error(self, name: str, error: BaseException) -> None:
        if not isinstance(error, SmtpadminError):
            raise error
        self.banner.show_message("err", error.what, error.remedy, details=str(error))


def route_words(route: Route) -> str:
    """One route as lines: outcome first, then how the server came to it."""
    lines = [f"{route.address}: {route.outcome}"]
    facts = (
        ("made from", ", ".join(route.came_from)), ("router", route.router),
        ("transport", route.transport), ("hosts", ", ".join(route.hosts)), ("reason", route.reason),
    )  # fmt: skip
    lines += [f"    {name}: {value}" for name, value in facts if value]
    return "\n".join(visible(line, 1_000) for line in lines)


def session_words(session: FakeSession) -> str:
    """The dialogue, then what the server said of its rules, then what it would have logged."""
    lines = [f"> {r.command or '(connects)'}\n< {r.text}" for r in session.replies]
    if session.explanation:
        lines += ["", "Why:", *session.explanation]
    if session.log:
        lines += ["", "It would log:", *session.log]
    return "\n".join(visible(part, 1_000) for line in lines for part in line.split("\n"))
