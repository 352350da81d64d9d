"""Hands a caught message on to a real server: to whom is said before, how it went after."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.time_format import octets
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.target_picker import TargetPicker
from smtpadmin.gui.widgets.transcript_view import TranscriptView
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.catch import CaughtMessage
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.profile import Environment
from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.services.release import release
from smtpadmin.services.send_test import verdict
from smtpadmin.util.text import visible


class ReleaseMessage(QDialog):
    """The button names the number of recipients and is not the default."""

    def __init__(self, message: CaughtMessage, workspace: Workspace, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Release a message"))
        self._message = message
        self._scope = TaskScope(self, self._on_error)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.picker = TargetPicker(workspace, form, but=_catch_uuid(workspace))
        self.picker.setParent(self)
        self.from_ = QLineEdit(message.sender or "<>")
        self.recipients = QLineEdit(", ".join(message.recipients))
        self.banner = Banner(closable=False)
        self.transcript = TranscriptView()
        self.go = QPushButton()
        self.go.setObjectName("dangerPrimary")
        self.go.setAutoDefault(False)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._lay_out(form)
        self.picker.changed.connect(self._show)
        self.recipients.textChanged.connect(self._show)
        self.go.clicked.connect(self._on_go)
        self._show()

    def _lay_out(self, form: QFormLayout) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(10)
        subject = self._message.subject or self.tr("(no subject)")
        title = Label(visible(subject, 80))
        title.setObjectName("subtitle")
        column.addWidget(title)
        for words, edit in ((self.tr("&From:"), self.from_), (self.tr("&To:"), self.recipients)):
            label = Label(words)
            label.setBuddy(edit)
            edit.setCursorPosition(0)
            form.addRow(label, edit)
        self.from_.setAccessibleName(self.tr("Envelope sender"))
        self.recipients.setAccessibleName(self.tr("Envelope recipients, separated by commas"))
        column.addLayout(form)
        column.addWidget(self.banner)
        column.addWidget(self.transcript, 1)
        self.transcript.hide()
        self.buttons.addButton(self.go, QDialogButtonBox.ButtonRole.ActionRole)
        close = self.buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setDefault(True)
        self.buttons.rejected.connect(self.reject)
        column.addWidget(self.buttons)
        self.setMinimumWidth(80 * self.fontMetrics().averageCharWidth())

    def addresses(self) -> tuple[str, ...]:
        """Whom it goes to."""
        return tuple(a.strip() for a in self.recipients.text().split(",") if a.strip())

    def _show(self) -> None:
        to = self.addresses()
        profile = self.picker.profile
        server = profile.name if profile is not None else self.picker.host.text().strip()
        noun = self.tr("1 recipient") if len(to) == 1 else self.tr("{0} recipients").format(len(to))
        self.go.setText(self.tr("Release to {0}").format(noun))
        self.go.setEnabled(bool(to) and bool(server))
        words = self.tr(
            "{0} go to {1} exactly as they were caught; header fields stay, only the envelope is "
            "what stands above."
        ).format(octets(self._message.size), server or self.tr("the server that you choose"))
        if profile is not None and profile.environment is Environment.PRODUCTION:
            words = f"{self.tr('This is a production server.')} {words}"
        title = self.tr("It is really delivered, to {0}").format(
            _named(to) or self.tr("nobody yet")
        )
        self.banner.show_message("warn", title, words)

    def _on_go(self) -> None:
        self._scope.spawn("release", self._release())

    async def _release(self) -> None:
        self.go.setEnabled(False)
        self.transcript.lines.set_lines(())
        self.transcript.show()
        self.transcript.setMinimumHeight(8 * self.fontMetrics().height())
        self.banner.show_message("info", self.tr("Sending…"))
        try:
            target = await self.picker.target()
            sender = self.from_.text().strip()
            released = await release(
                self._message, target.endpoint, target.password,
                sender=sender.removeprefix("<").removesuffix(">"),
                recipients=self.addresses(), emit=self._on_line,
            )  # fmt: skip
        finally:
            self.go.setEnabled(True)
        tone, words, remedy = verdict(released.result, released.error)
        self.banner.show_message(tone, words, remedy)

    def _on_line(self, line: TranscriptLine) -> None:
        self.transcript.lines.append([line])
        self.transcript.scrollToBottom()

    def _on_error(self, name: str, error: BaseException) -> None:
        if not isinstance(error, SmtpadminError):
            raise error
        self.banner.show_message("err", error.what, error.remedy, details=str(error))


def _named(addresses: tuple[str, ...]) -> str:
    more = f" +{len(addresses) - 3} more" if len(addresses) > 3 else ""
    return visible(", ".join(addresses[:3]) + more, 300)


def _catch_uuid(workspace: Workspace) -> str:
    """A message is not released into what has caught it."""
    from smtpadmin.gui.workspace import CATCH

    return next((p.uuid for p in workspace.known if p.kind == CATCH), "")
