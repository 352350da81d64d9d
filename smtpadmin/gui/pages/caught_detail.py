"""One caught message beside the session that brought it: transcript, message views, checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.formats.message_view import view_message
from smtpadmin.gui.icons import tint
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.time_format import TIMES, octets
from smtpadmin.gui.widgets.elided_label import ElidedLabel
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.message_views import MOST_TEXT, MessageViews, text_view
from smtpadmin.gui.widgets.stage_list import StageList
from smtpadmin.gui.widgets.transcript_view import TranscriptView
from smtpadmin.model.catch import CaughtMessage, CaughtSession
from smtpadmin.model.message_check import MessageCheck, MessageVerdict
from smtpadmin.services.catch_host import CatchHost
from smtpadmin.services.caught import Caught
from smtpadmin.services.checks import Check, CheckResult
from smtpadmin.services.message_checks import checks_of
from smtpadmin.util.tasks import run_blocking
from smtpadmin.util.text import visible, visible_text

if TYPE_CHECKING:
    from smtpadmin.services.spf import Lookups

TABS = ("Transcript", "Headers", "Body", "HTML", "Structure", "Raw", "Checks")
MOST_NAMED = 8


class CaughtDetail(QWidget):
    """Shows one row; hidden for none or several. ``message`` holds the views of the message;
    ``resolver`` answers instead of this machine's name servers when it is set."""

    def __init__(self, host: CatchHost) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._host = host
        self._row: Caught | None = None
        self.resolver: Lookups | None = None
        self._scope = TaskScope(self)
        self.title, self.facts = ElidedLabel(), Label()
        self.title.setObjectName("subtitle")
        self.facts.setObjectName("muted")
        self.facts.setWordWrap(True)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.transcript = TranscriptView()
        self.message = MessageViews()
        self.html = text_view(self.tr("HTML source"))
        self.checks = StageList()
        self.checks.setColumnHidden(4, True)  # nobody waits for them
        self.authenticate = QPushButton(self.tr("Check authentication"))
        self.tabs = QTabBar()
        self._stack = QStackedWidget()
        self._lay_out()
        self.hide()

    def _lay_out(self) -> None:
        self.tabs.setObjectName("tight")
        self.tabs.setAccessibleName(self.tr("Detail"))
        self.tabs.setExpanding(False)
        self.tabs.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        views: dict[str, QWidget] = {
            "Transcript": self.transcript,
            "HTML": self.html,
            "Checks": self.checks,
            **self.message.widgets,
        }
        for name in TABS:
            self.tabs.addTab(self.tr(name))
            self._stack.addWidget(views[name])
        self.tabs.currentChanged.connect(self._on_tab)
        tint(self.authenticate, "shield")
        self.authenticate.setToolTip(
            self.tr("DKIM, ARC, DMARC, and SPF for a public client: this asks the DNS")
        )
        self.authenticate.clicked.connect(self._on_authenticate)
        self.authenticate.hide()
        copy = QPushButton()
        copy.setObjectName("flat")
        tint(copy, "copy")
        copy.setToolTip(self.tr("Copy what is shown"))
        copy.setAccessibleName(self.tr("Copy what is shown"))
        copy.clicked.connect(self.copy)
        head = QHBoxLayout()
        head.setContentsMargins(8, 0, 8, 0)
        head.addWidget(self.tabs, 1)
        head.addWidget(self.authenticate)
        head.addWidget(copy)
        words = QVBoxLayout()
        words.setContentsMargins(14, 8, 14, 2)
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.facts)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(words)
        column.addLayout(head)
        column.addWidget(self._stack, 1)

    # What is shown.

    def show_row(self, row: Caught | None) -> None:
        """Show a row, or nothing; the tab stays, unless it has nothing to show."""
        if row is not None and self._row is not None and row.key == self._row.key:
            self._row = row
            if row.checks is not None and not self.checks.checks:
                self._show_checks(row.checks)
            return
        self._row = row
        self._scope.cancel_all()
        self.setVisible(row is not None)
        if row is None:
            self.message.clear()
            return
        self._show_tabs(row)
        self.show_transcript()
        self._show_checks(row.checks or ())
        if row.message is not None:
            self.title.setText(visible(row.message.subject or self.tr("(no subject)"), 200))
            self.facts.setText(message_facts(row.message))
            self._scope.spawn("message", self._show_message(row.message))
        elif row.session is not None:
            self.title.setText(self.tr("A session without a message"))
            self.facts.setText(session_facts(row.session))
            self.message.clear()

    def _show_tabs(self, row: Caught) -> None:
        for number in range(1, len(TABS)):
            self.tabs.setTabVisible(number, row.message is not None)
        if row.message is None:
            self.tabs.setCurrentIndex(0)

    def show_transcript(self) -> None:
        """The session's lines as far as they are known."""
        if self._row is not None:
            session = self._row.session
            lines = session.transcript if session else ()
            self.transcript.lines.set_lines(lines or self._host.transcript_of(self._row.session_id))

    def on_session_ended(self, session: CaughtSession) -> None:
        """The transcript is complete now."""
        if self._row is not None and self._row.session_id == session.session_id:
            self.show_transcript()

    async def _show_message(self, message: CaughtMessage) -> None:
        await self.message.show_message(message.raw)
        found = await run_blocking(view_message, message.raw)
        html = visible_text((found.html or "").encode("utf-8", "replace")[:MOST_TEXT])
        self.html.setPlainText(html)
        self.tabs.setTabVisible(TABS.index("HTML"), found.html is not None)
        if self._row is not None and self._row.checks is None:
            self._show_checks(await checks_of(message))

    def _show_checks(self, checks: tuple[MessageCheck, ...]) -> None:
        self.checks.start()
        for check in sorted(checks, key=_weight):
            self.checks.add(_stage(check))
        self.checks.scrollToTop()

    def _on_tab(self, number: int) -> None:
        self._stack.setCurrentIndex(number)
        self.authenticate.setVisible(TABS[number] == "Checks")

    # Buttons.

    def _on_authenticate(self) -> None:
        message = self._row.message if self._row is not None else None
        if message is not None:
            self.authenticate.setEnabled(False)
            self._scope.spawn("authentication", self._authenticate(message))

    async def _authenticate(self, message: CaughtMessage) -> None:
        from smtpadmin.services.caught_authentication import authentication_checks
        from smtpadmin.transport.dns import Resolver

        async def by_dns(one: CaughtMessage) -> Sequence[MessageCheck]:
            return await authentication_checks(one, self.resolver or Resolver())

        try:
            self._show_checks(await checks_of(message, by_dns))
        finally:
            self.authenticate.setEnabled(True)

    def copy(self) -> None:
        """What the shown tab holds, onto the clipboard."""
        shown = self._stack.currentWidget()
        if isinstance(shown, QPlainTextEdit):
            text = shown.toPlainText()
        elif shown is self.checks:
            text = self.checks.as_text()
        elif shown is self.transcript:
            text = self.transcript.text()
        else:
            text = self.facts.text()
        QGuiApplication.clipboard().setText(text)

    async def close_detail(self) -> None:
        """End what is still being read."""
        await self._scope.close()


def _stage(check: MessageCheck) -> Check:
    found = ": ".join(filter(None, (check.summary, check.detail)))
    return Check(check.name, "", CheckResult(check.result.value), found, check.fix)


_WEIGHT = {MessageVerdict.FAIL: 0, MessageVerdict.WARN: 1}


def _weight(check: MessageCheck) -> int:
    """What is wrong comes first."""
    return _WEIGHT.get(check.result, 2)


def _when(time: datetime) -> str:
    return TIMES.full(time).partition("\n")[0]


def message_facts(message: CaughtMessage) -> str:
    """Envelope and connection in two lines."""
    named = ", ".join(message.recipients[:MOST_NAMED])
    if len(message.recipients) > MOST_NAMED:
        named += f" +{len(message.recipients) - MOST_NAMED} more"
    tls = f"{message.tls.version} {message.tls.cipher}" if message.tls else "not encrypted"
    login = f", logged in as {message.user} ({message.mechanism})" if message.user else ""
    lines = (
        f"<{message.sender}> → {named}",
        f"{_when(message.time)}, {octets(message.size)}, {message.protocol} from "
        f"{message.client} ({message.helo}), {tls}{login}. Answered: {message.reply}",
    )
    return "\n".join(visible(line, 600) for line in lines)


def session_facts(session: CaughtSession) -> str:
    """Who it was, and which rules acted."""
    tls = f"{session.tls.version} {session.tls.cipher}" if session.tls else "not encrypted"
    rules = f". Rules that acted: {', '.join(session.rules)}" if session.rules else ""
    words = f"{_when(session.began)}, from {session.client} ({session.helo}), {tls}{rules}"
    return visible(words, 600)
