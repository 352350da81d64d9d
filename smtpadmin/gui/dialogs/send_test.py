"""The send-test dialog: compose at the left; the live transcript, who answered, the way of the message
and what was sent before at the right. Here the parts are joined: send, show, follow, repeat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.ask import ask
from smtpadmin.gui.dialogs.export import ask_for_file, save_text
from smtpadmin.gui.icons import tint
from smtpadmin.gui.send.compose_pane import ComposePane
from smtpadmin.gui.send.file_list import FileRole
from smtpadmin.gui.send.first_plan import fill_first
from smtpadmin.gui.send.follow_pane import FollowPane
from smtpadmin.gui.send.history_pane import HistoryPane
from smtpadmin.gui.send.mailbox_choice import MailboxChoice
from smtpadmin.gui.send.recipe_menu import RecipeMenu
from smtpadmin.gui.send.repeat_pane import RepeatPane
from smtpadmin.gui.send.server_pane import ServerPane
from smtpadmin.gui.send.transcript_pane import FILTERS, TranscriptPane
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.trust_question import show_question
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.errors import SmtpadminError, UntrustedError, UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.model.recipe import Recipe
from smtpadmin.model.smtp import SendResult, TranscriptLine
from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.services.explain import explain_reply
from smtpadmin.services.send_test import Sent, TestSender, as_record, verdict
from smtpadmin.services.tunnel import tunnel
from smtpadmin.settings import paths
from smtpadmin.transport.smtp_route import Opener

_ADDRESSES = "send_test"
"""The preference that keeps the last sender and recipients."""


class SendTest(QDialog):
    """Opened for a server, or for any host when none is chosen."""

    def __init__(
        self, workspace: Workspace, context: ServerContext | None, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Send a test message"))
        self._workspace, self._context = workspace, context
        self._scope = TaskScope(self, self._on_error)
        self._sending: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        self._result: SendResult | None = None
        self.sender_service = TestSender(paths.state_dir() / "sent.jsonl")
        self.sender_service.line.connect(self._on_line)
        self.sender_service.finished.connect(self._on_finished)
        self.compose, self.banner = ComposePane(), Banner(closable=False)
        self.session, self.server = TranscriptPane(), ServerPane()
        self.following, self.history = FollowPane(), HistoryPane()
        self.repeating = RepeatPane(workspace.repeats)
        self.recipes = RecipeMenu(self, self.compose, self.banner, self._scope)
        self.tabs = QTabWidget()
        self.track = QPushButton(self.tr("Trac&k this message"))
        self._lay_out()
        self._connect()
        others = len(workspace.known) > len(workspace.open_connectors())
        self.following.every.setVisible(others)
        last: list[str] = workspace.preferences.get(_ADDRESSES, [])
        fill_first(self.compose, context, last)
        self._scope.spawn("history", self.history.load(paths.state_dir() / "sent.jsonl"))
        self._mailbox = MailboxChoice(workspace, self._profile(), self.following, self, self._scope)

    # Layout.

    def _lay_out(self) -> None:
        splitter = QSplitter()
        splitter.addWidget(self.compose)
        splitter.addWidget(self._right())
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 3)
        splitter.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(splitter)
        em, parent = self.fontMetrics().averageCharWidth(), self.parentWidget()
        assert parent is not None
        line = self.fontMetrics().height()
        self.resize(min(180 * em, parent.width()), min(46 * line, parent.height()))
        splitter.setSizes([self.width() * 2 // 5, self.width() * 3 // 5])

    def _right(self) -> QWidget:
        box = QWidget()
        self.tabs.setAccessibleName(self.tr("Session"))
        self.tabs.tabBar().setAccessibleName(self.tr("What came of it"))
        self.tabs.tabBar().setObjectName("tight")
        for widget, title in (
            (self.session, self.tr("Transcript")),
            (self.server, self.tr("Who answered")),
            (self.following, self.tr("Follow")),
            (self.repeating, self.tr("Repeat")),
            (self.history, self.tr("Sent before")),
        ):
            self.tabs.addTab(widget, title)
        close = QPushButton(self.tr("Close"))
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self.track)
        buttons.addStretch(1)
        buttons.addWidget(close)
        column = QVBoxLayout(box)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.banner)
        column.addWidget(self.tabs, 1)
        column.addLayout(buttons)
        self.banner.show_message(
            "info",
            self.tr("Every line of the session appears below"),
            self.tr("Passwords are taken out while it is recorded."),
        )
        return box

    def _connect(self) -> None:
        tint(self.track, "route")
        self.track.setEnabled(False)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(button is self.compose.send)
        self.compose.send.setDefault(True)
        self.compose.send_wanted.connect(self._on_send)
        self.compose.stop_wanted.connect(self._on_stop)
        self.compose.file_wanted.connect(self._on_file)
        self.session.save.clicked.connect(self._on_save)
        self.track.clicked.connect(self._on_track)
        self.history.chosen.connect(self._on_chosen)
        self.following.save_wanted.connect(self._on_save_report)
        self.following.stop_wanted.connect(self._on_stop_following)
        self.repeating.start_wanted.connect(self._on_repeat)
        self.repeating.stop_wanted.connect(self._on_stop_repeating)

    def _profile(self) -> Profile | None:
        return self._context.profile if self._context is not None else None

    def fill_like(self, sender: str, recipients: Sequence[str]) -> None:
        """As a message that is known: the same envelope."""
        self.compose.letter.from_.setText(sender or "<>")
        self.compose.letter.to.setText(", ".join(recipients))

    # Sending.

    def _on_send(self) -> None:
        self._sending = self._scope.spawn("send", self._send())

    def _on_stop(self) -> None:
        """Shown here and not in the task: that one is cancelled, too, when the dialog has gone."""
        if self._sending is not None:
            self._sending.cancel()
        self.compose.set_sending(False)
        self.session.flush()
        words = self.tr("The connection was closed. What the server did with it is not known.")
        self.banner.show_message("warn", self.tr("Stopped"), words)

    async def _send(self) -> None:
        recipe, secrets = self.compose.recipe(), self.compose.secrets()
        self._begin(recipe)
        async with self._opener() as opener:
            result, error = await self.sender_service.send_recipe(recipe, secrets, opener=opener)
        self.compose.set_sending(False)
        self._show(result, error)
        if result.result == "accepted" and not result.stopped and self.compose.follow.isChecked():
            self.tabs.setCurrentWidget(self.following)
            raw = self.sender_service.raw
            self._following = self._scope.spawn("follow", self._follow(result, raw))

    @asynccontextmanager
    async def _opener(self) -> AsyncIterator[Opener | None]:
        """What connects from the server itself; None connects from here."""
        profile = self._profile()
        if profile is None or not self.compose.target.jump.isChecked():
            yield None
            return
        secrets = await self._workspace.secrets_of(profile)
        async with tunnel(profile, secrets) as opener:
            yield opener

    def _begin(self, recipe: Recipe) -> None:
        letter, target = recipe.letter, recipe.plan.target
        self._workspace.preferences.set(_ADDRESSES, [letter.sender or "<>", ", ".join(letter.to)])
        self._on_stop_following()
        self.session.clear()
        self.server.clear()
        self.following.forget()
        self.tabs.setCurrentWidget(self.session)
        self.track.setEnabled(False)
        self.compose.set_sending(True)
        where = target.socket_path or target.mx_of or f"{target.host}:{target.port}"
        self.banner.show_message("info", self.tr("Sending to {0}…").format(where))

    def _show(self, result: SendResult, error: SmtpadminError | None) -> None:
        self._result = result
        self.session.flush()
        self.server.show_result(result)
        if isinstance(error, UntrustedError) and error.fingerprint:
            show_question(self.banner, error, lambda: self._trust(error.fingerprint))
        else:
            tone, words, remedy = verdict(result, error)
            if result.result == "refused" and result.reply is not None:
                found = explain_reply(f"{result.reply.code} {result.reply.text}")
                remedy = f"{self.tr('Who acts: {0}.').format(found.who_acts)} {remedy}"
            self.banner.show_message(tone, words, remedy, details=str(error) if error else "")
        can_track = self._context is not None and self._context.has("track")
        self.track.setEnabled(can_track and result.result == "accepted")

    def _trust(self, fingerprint: str) -> None:
        """For this dialog; the profile's own trust is changed where it is edited."""
        self.compose.trust(fingerprint)
        self._on_send()

    def _on_line(self, line: TranscriptLine) -> None:
        self.session.add(line)

    def _on_finished(self, sent: Sent) -> None:
        self.history.add(sent)

    def _on_chosen(self, sent: Sent) -> None:
        """Show again what was sent before."""
        self._show(sent.result, None)
        self.session.show_lines(sent.result.transcript)
        self.tabs.setCurrentWidget(self.session)

    def _on_error(self, name: str, error: BaseException) -> None:
        if name.endswith("/send"):
            self.compose.set_sending(False)
        if isinstance(error, SmtpadminError):
            details = "" if isinstance(error, UsageError) else str(error)
            self.banner.show_message("err", error.what, error.remedy, details=details)
        elif isinstance(error, OSError):
            self.banner.show_message("err", str(error))
        else:
            raise error

    # Following.

    async def _follow(self, result: SendResult, raw: bytes) -> None:
        origin = self._context.profile.name if self._context is not None else None
        connectors = self._workspace.open_connectors()
        if self.following.every.isChecked():
            connectors = await self._workspace.all_connectors()
        report = await self.following.follow(connectors, origin, result, raw)
        await self._mailbox.ask_trust(report)

    def _on_stop_following(self) -> None:
        if self._following is not None and not self._following.done():
            self._following.cancel()
            self.following.was_stopped()
        self._following = None

    def _on_track(self) -> None:
        if self._result is not None and self._context is not None:
            self.accept()
            self._context.track(TrackCriteria(message_id=self._result.message_id))

    def _on_save_report(self) -> None:
        self._scope.spawn("save report", self._save_report())

    async def _save_report(self) -> None:
        name = await self.following.save_report()
        if name:
            self.banner.show_message("ok", self.tr("Saved to {0}").format(name))

    # Repeating.

    def _on_repeat(self) -> None:
        self._scope.spawn("repeat", self._repeat())

    async def _repeat(self) -> None:
        recipe, secrets = self.compose.recipe(), self.compose.secrets()
        if self.compose.target.jump.isChecked():
            raise UsageError(
                "what is repeated is sent from here",
                remedy="Untick 'From the server itself', or use smtpadmin send --every there.",
            )
        schedule = await self._workspace.repeats.start(recipe, secrets, self.repeating.span)
        self.repeating.choose(schedule.key)
        words = self.tr("It is sent again and again while smtpadmin runs")
        self.banner.show_message("ok", words, self.tr("You will be told when the outcome changes."))

    def _on_stop_repeating(self, key: str) -> None:
        self._scope.spawn("stop repeating", self._workspace.repeats.stop(key))

    # Files.

    def _on_save(self) -> None:
        self._scope.spawn("save", self._save())

    async def _save(self) -> None:
        from smtpadmin.formats.transcript_export import export_transcript, kind_for

        result = self._result
        if result is None:
            return
        path = await ask_for_file(self, "session.txt", FILTERS)
        if path is not None:
            text = export_transcript(result, as_record(result), kind_for(path.name))
            await save_text(path, text)
            self.banner.show_message("ok", self.tr("Saved to {0}").format(path.name))

    def _on_file(self, role: FileRole) -> None:
        self._scope.spawn("files", self._choose_files(role))

    async def _choose_files(self, role: FileRole) -> None:
        dialog = QFileDialog(self, self.tr("Choose files"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog, True)
        if role is FileRole.RAW:
            dialog.setNameFilters([self.tr("Messages (*.eml)"), self.tr("All files (*)")])
        if await ask(dialog) == QDialog.DialogCode.Accepted:
            self.compose.letter.add_files(role, [Path(name) for name in dialog.selectedFiles()])
