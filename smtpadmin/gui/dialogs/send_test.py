"""The send-test dialog: compose at the left, the live transcript and the verdict at the right."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.connectors.api import Submission, ability
from smtpadmin.formats.test_message import TestMessage
from smtpadmin.gui.ask import ask
from smtpadmin.gui.icons import tint
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.time_format import TIMES
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.transcript_view import TranscriptView
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.errors import SmtpadminError, UntrustedError, UsageError
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SendResult, SubmissionEndpoint, TranscriptLine
from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.services.send_test import Sent, TestSender, verdict
from smtpadmin.settings import paths

DEFAULT_PORTS = {TlsMode.NONE: 25, TlsMode.STARTTLS: 587, TlsMode.IMPLICIT: 465}


class SendTest(QDialog):
    """Opened for a server, or for any host when none is chosen."""

    def __init__(
        self, workspace: Workspace, context: ServerContext | None, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Send a test message"))
        self._workspace, self._context = workspace, context
        self._scope = TaskScope(self, self._on_error)
        self._attachments: list[Path] = []
        self._known: SubmissionEndpoint | None = None
        self._result: SendResult | None = None
        self.sender_service = TestSender(paths.state_dir() / "sent.jsonl")
        self.sender_service.line.connect(self._on_line)
        self.sender_service.finished.connect(self._on_finished)
        self.host, self.tls, self.auth = QLineEdit(), QComboBox(), QComboBox()
        self.user, self.password = QLineEdit(), QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.tls.addItems([mode.value for mode in TlsMode])
        self.auth.addItems(["auto", "none", "PLAIN", "LOGIN", "CRAM-MD5"])
        self.from_, self.to, self.subject = QLineEdit(), QLineEdit(), QLineEdit("smtpadmin test")
        self.text, self.html, self.headers = _editor(), _editor(), _editor()
        self.text.setPlainText("This is a test message of smtpadmin.\n")
        self.attached = Label()
        self.send = QPushButton(self.tr("Send"))
        self.send.setObjectName("primary")
        self.send.setDefault(True)
        self.banner = Banner(closable=False)
        self.transcript = TranscriptView()
        self.who = Label()
        self.who.setObjectName("muted")
        self.who.setWordWrap(True)
        self.history = QListWidget()
        self.history.setAccessibleName(self.tr("Sent before"))
        self._lay_out()
        self._fill_from_server()
        em = self.fontMetrics().averageCharWidth()
        self.resize(
            min(165 * em, parent.width()), min(42 * self.fontMetrics().height(), parent.height())
        )

    # Layout.

    def _lay_out(self) -> None:
        splitter = QSplitter()
        splitter.addWidget(self._left())
        splitter.addWidget(self._right())
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 3)
        splitter.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(splitter)

    def _left(self) -> QWidget:
        box = QWidget()
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        rows = (
            (self.tr("&Server:"), self.host, self.tr("Server, HOST:PORT")),
            (self.tr("T&LS:"), self.tls, self.tr("TLS mode")),
            (self.tr("&Login:"), self.auth, self.tr("Login method")),
            (self.tr("&User:"), self.user, self.tr("User")),
            (self.tr("&Password:"), self.password, self.tr("Password")),
            (self.tr("&From:"), self.from_, self.tr("Envelope sender")),
            (self.tr("&To:"), self.to, self.tr("Recipients, separated by commas")),
            (self.tr("Su&bject:"), self.subject, self.tr("Subject")),
        )
        for title, widget, name in rows:
            label = Label(title)
            label.setBuddy(widget)
            widget.setAccessibleName(name)
            widget.setToolTip(name)
            form.addRow(label, widget)
        tabs = QTabWidget()
        tabs.setAccessibleName(self.tr("Message"))
        for title, editor in (
            (self.tr("Text"), self.text),
            (self.tr("HTML"), self.html),
            (self.tr("Extra headers"), self.headers),
        ):
            editor.setAccessibleName(title)
            tabs.addTab(editor, title)
        self.headers.setPlaceholderText("X-Campaign: spring")
        attach = QPushButton(self.tr("&Attach…"))
        attach.clicked.connect(self._on_attach)
        self.send.clicked.connect(self._on_send)
        bottom = QHBoxLayout()
        bottom.addWidget(attach)
        bottom.addWidget(self.attached, 1)
        bottom.addWidget(self.send)
        column = QVBoxLayout(box)
        column.setContentsMargins(16, 14, 12, 12)
        column.addLayout(form)
        column.addWidget(tabs, 1)
        column.addLayout(bottom)
        return box

    def _right(self) -> QWidget:
        box = QWidget()
        copy = QPushButton(self.tr("Copy transcript"))
        tint(copy, "copy")
        copy.clicked.connect(self._copy)
        self.track = QPushButton(self.tr("Track this message"))
        tint(self.track, "route")
        self.track.clicked.connect(self._on_track)
        self.track.setEnabled(False)
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(copy)
        buttons.addWidget(self.track)
        buttons.addStretch(1)
        buttons.addWidget(close)
        tabs = QTabWidget()
        tabs.setAccessibleName(self.tr("Session"))
        tabs.addTab(self.transcript, self.tr("Transcript"))
        tabs.addTab(self.history, self.tr("Sent before"))
        column = QVBoxLayout(box)
        column.setContentsMargins(12, 14, 16, 12)
        column.addWidget(self.banner)
        column.addWidget(self.who)
        column.addWidget(tabs, 1)
        column.addLayout(buttons)
        self.banner.show_message(
            "info",
            self.tr("Every line of the session appears below"),
            self.tr("Passwords are taken out while it is recorded."),
        )
        return box

    def _fill_from_server(self) -> None:
        connector = self._context.session.connector if self._context else None
        submission = ability(connector, Submission)
        endpoints = submission.submission_endpoints() if submission is not None else ()
        if submission is not None and endpoints:
            endpoint = endpoints[0]
            self.host.setText(f"{endpoint.host}:{endpoint.port}")
            self.tls.setCurrentText(endpoint.tls.value)
            self.user.setText(endpoint.user)
            self.password.setText(submission.submission_password())
            self._known = endpoint
        last: list[str] = self._workspace.preferences.get("send_test", [])
        if len(last) == 2:
            self.from_.setText(last[0])
            self.to.setText(last[1])
        self.to.setFocus()

    # Sending.

    def _on_send(self) -> None:
        self._scope.spawn("send", self._send())

    async def _send(self) -> None:
        endpoint, message = self._endpoint(), self._message()
        self._workspace.preferences.set("send_test", [self.from_.text(), self.to.text()])
        self.transcript.lines.set_lines(())
        self.send.setEnabled(False)
        self.track.setEnabled(False)
        self.who.setText("")
        self.banner.show_message(
            "info", self.tr("Sending to {0}:{1}…").format(endpoint.host, endpoint.port)
        )
        try:
            result, error = await self.sender_service.send(endpoint, self.password.text(), message)
        finally:
            self.send.setEnabled(True)
        self._show(result, error)

    def _endpoint(self) -> SubmissionEndpoint:
        tls = TlsMode(self.tls.currentText())
        host, _, port = self.host.text().strip().rpartition(":")
        if not host or not port.isdecimal():
            host, port = self.host.text().strip(), str(DEFAULT_PORTS[tls])
        if not host:
            raise UsageError("name a server", where="Server", remedy="Type HOST or HOST:PORT.")
        auth = self.auth.currentText()
        known = self._known
        return SubmissionEndpoint(
            host=host.strip("[]"),
            port=int(port),
            tls=tls,
            user="" if auth == "none" else self.user.text().strip(),
            mechanisms=(auth,) if auth not in ("auto", "none") else (),
            fingerprint=known.fingerprint if known is not None else "",
            ca_file=known.ca_file if known is not None else "",
        )

    def _message(self) -> TestMessage:
        lines = [line for line in self.headers.toPlainText().splitlines() if line.strip()]
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise UsageError(
                    f"{line!r} is not a header", where="Extra headers", remedy="Use Name: value."
                )
            headers.append((name.strip(), value.strip()))
        sender = self.from_.text().strip()
        return TestMessage(
            sender="" if sender == "<>" else sender,
            recipients=tuple(a.strip() for a in self.to.text().split(",") if a.strip()),
            subject=self.subject.text(),
            text=self.text.toPlainText(),
            html=self.html.toPlainText(),
            headers=tuple(headers),
            attachments=tuple((path.name, path.read_bytes()) for path in self._attachments),
        )

    def _show(self, result: SendResult, error: SmtpadminError | None) -> None:
        self._result = result
        tone, words, remedy = verdict(result, error)
        if isinstance(error, UntrustedError) and error.fingerprint:
            remedy += f"\nSHA-256 {error.fingerprint}\n{error.detail}"
        total = sum(result.timings_ms.values())
        self.banner.show_message(tone, words, remedy)
        tls = result.tls
        secure = (
            f", {tls.version}, certificate of {tls.subject}"
            if tls and tls.version
            else ", not encrypted"
        )
        self.who.setText(
            self.tr("Answered by {0}{1}, {2} ms in all").format(
                result.address or "nobody", secure, round(total)
            )
        )
        can_track = self._context is not None and self._context.has("track")
        self.track.setEnabled(can_track and result.result == "accepted")

    def _on_line(self, line: TranscriptLine) -> None:
        self.transcript.lines.append([line])
        self.transcript.scrollToBottom()

    def _on_finished(self, sent: Sent) -> None:
        result = sent.result
        self.history.insertItem(
            0,
            f"{TIMES.time(sent.time)}  {result.result}  {', '.join(sent.recipients)}  {result.host}",
        )

    def _on_error(self, name: str, error: BaseException) -> None:
        if isinstance(error, SmtpadminError | OSError):
            self.banner.show_message("err", str(error))
        else:
            raise error

    # Buttons.

    def _on_track(self) -> None:
        if self._result is not None and self._context is not None:
            self.accept()
            self._context.track(TrackCriteria(message_id=self._result.message_id))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.transcript.text())

    def _on_attach(self) -> None:
        self._scope.spawn("attach", self._attach())

    async def _attach(self) -> None:
        dialog = QFileDialog(self, self.tr("Attach"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog, True)
        if await ask(dialog) == QDialog.DialogCode.Accepted:
            self._attachments = [Path(name) for name in dialog.selectedFiles()]
            self.attached.setText(", ".join(path.name for path in self._attachments))


def _editor() -> QPlainTextEdit:
    editor = QPlainTextEdit()
    editor.setTabChangesFocus(True)
    return editor
