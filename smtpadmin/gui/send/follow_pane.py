"""Follows what was accepted: the picture, the mailbox, the report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from smtpadmin.formats.follow_report import SUFFIXES, as_text, follow_report
from smtpadmin.formats.follow_words import report_words
from smtpadmin.gui.dialogs.export import ask_for_file, save_text
from smtpadmin.gui.icons import tint
from smtpadmin.gui.send.follow_tree import FollowTree
from smtpadmin.gui.send.form_rows import Choice, name_it
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.elided_label import ElidedLabel
from smtpadmin.model.follow import FollowReport
from smtpadmin.model.mailbox import MailboxAccount
from smtpadmin.model.smtp import SendResult

if TYPE_CHECKING:
    from smtpadmin.connectors.api import Connector

SPANS = ((30.0, "30 s"), (120.0, "2 min"), (600.0, "10 min"), (3600.0, "1 h"))


class FollowPane(QWidget):
    """``follow`` runs until the end; ``mailbox_wanted`` and ``save_wanted`` and ``stop_wanted`` ask
    the dialog."""

    mailbox_wanted = Signal()
    save_wanted = Signal()
    stop_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.report: FollowReport | None = None
        self.mailbox: MailboxAccount | None = None
        self.banner, self.tree = Banner(closable=False), FollowTree()
        self.seconds: Choice[float] = Choice(SPANS)
        self.seconds.choose(120.0)
        self.every = QCheckBox(self.tr("All servers"))
        self.every.setToolTip(self.tr("Open those that have a profile and are not open yet"))
        self.account = ElidedLabel()
        self.account.setObjectName("muted")
        self.choose = QPushButton(self.tr("&Mailbox…"))
        self.copy = QPushButton(self.tr("Cop&y report"))
        self.save = QPushButton(self.tr("Sa&ve report…"))
        self.stop = QPushButton(self.tr("S&top"))
        self._lay_out()
        self.show_mailbox(None)
        self.forget()

    def _lay_out(self) -> None:
        for button, name, signal in (
            (self.choose, "mail", self.mailbox_wanted),
            (self.save, "export", self.save_wanted),
            (self.stop, "close", self.stop_wanted),
        ):
            tint(button, name)
            button.clicked.connect(signal.emit)
        tint(self.copy, "copy")
        self.copy.clicked.connect(self.copy_report)
        name_it(self.seconds, self.tr("At most so long"))
        self.seconds.setSizePolicy(self.stop.sizePolicy())
        first, second = QHBoxLayout(), QHBoxLayout()
        for widget in (self.choose, self.account):
            first.addWidget(widget, int(widget is self.account))
        first.addWidget(self.every)
        first.addWidget(self.seconds)
        for widget in (self.copy, self.save):
            second.addWidget(widget)
        second.addStretch(1)
        second.addWidget(self.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(6)
        column.addLayout(first)
        column.addWidget(self.banner)
        column.addWidget(self.tree, 1)
        column.addLayout(second)

    def show_mailbox(self, account: MailboxAccount | None) -> None:
        """The mailbox that the next one is looked for in."""
        self.mailbox = account
        words = self.tr("{0} on {1}").format(account.user, account.where) if account else ""
        self.account.setText(words or self.tr("no mailbox is looked into"))

    def _enable(self, *, following: bool) -> None:
        self.stop.setVisible(following)
        for button in (self.copy, self.save):
            button.setEnabled(self.report is not None)

    def forget(self) -> None:
        """Another message was sent."""
        self.report = None
        self.tree.start()
        self._enable(following=False)
        self.banner.show_message(
            "info",
            self.tr("A message that is followed shows its way here"),
            self.tr("Accepted, queued, each hop, delivered or bounced, found in the mailbox."),
        )

    async def follow(
        self,
        connectors: Mapping[str, Connector],
        origin: str | None,
        result: SendResult,
        raw: bytes,
    ) -> FollowReport:
        """Until the end or the chosen time. Never raises for what servers do."""
        from smtpadmin.services.probe_and_follow import MessageFollower
        from smtpadmin.transport.dns import Resolver

        self.forget()
        self._enable(following=True)
        where = ", ".join(connectors) or self.tr("no server that is open")
        self.banner.show_message("info", self.tr("Following…"), self.tr("Asked: {0}").format(where))
        follower = MessageFollower(
            connectors,
            origin=origin,
            mailbox=self.mailbox,
            resolver=Resolver() if self.mailbox is not None else None,
            emit=self.tree.add,
        )
        report = await follower.follow(result, raw=raw, seconds=self.seconds.value)
        self._show(report)
        return report

    def _show(self, report: FollowReport) -> None:
        self.report = report
        self._enable(following=False)
        if report.arrival is not None:
            self.tree.show_arrival(report.arrival)
        words = report_words(report)
        self.banner.show_message(words.tone, words.title, words.detail)

    def was_stopped(self) -> None:
        """The user has had enough."""
        self._enable(following=False)
        self.banner.show_message("warn", self.tr("Stopped"), self.tr("Track it to know more."))

    # The report.

    def copy_report(self) -> None:
        """As text, to the clipboard."""
        if self.report is not None:
            QGuiApplication.clipboard().setText(as_text(self.report, _now()))

    async def save_report(self) -> str:
        """Ask for a file and write the report; gives its name. Raises StorageError."""
        path = await ask_for_file(self, "followed.html", list(SUFFIXES.values()))
        if path is None or self.report is None:
            return ""
        await save_text(path, follow_report(self.report, path.suffix.lower(), _now()))
        return path.name


def _now() -> datetime:
    return datetime.now().astimezone()
