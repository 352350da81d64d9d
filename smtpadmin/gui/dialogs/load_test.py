"""The load test dialog: plan at the left, live rate, latency and errors at the right."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.formats.load_report import as_json, as_text
from smtpadmin.gui.dialogs.export import ask_for_file
from smtpadmin.gui.icons import tint
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.load_figures import LoadErrorsView, LoadFiguresView
from smtpadmin.gui.widgets.narrow_box import NarrowBox
from smtpadmin.gui.widgets.rate_plot import RatePlot
from smtpadmin.gui.widgets.target_picker import Target, TargetPicker
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.errors import NotPermittedError, SmtpadminError, StorageError
from smtpadmin.model.load import LoadFigures, LoadPlan, LoadTarget
from smtpadmin.services.load_test import (
    MOST_CONNECTIONS,
    MOST_RECIPIENTS,
    MOST_SIZE,
    LoadTest,
    check_profile,
    permitted_target,
)
from smtpadmin.settings.files import write_private
from smtpadmin.util.tasks import run_blocking


class LoadTestDialog(QDialog):
    """Starts only against a server that is one's own; Stop closes every connection at once."""

    def __init__(self, workspace: Workspace, uuid: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Load test"))
        self._scope = TaskScope(self, self._on_error)
        self._test: LoadTest | None = None
        self._result: tuple[str, LoadPlan, LoadFigures] | None = None
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(12)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.picker = TargetPicker(workspace, self._form, first=uuid)
        self.picker.setParent(self)
        self.owned = QCheckBox(self.tr("This server is &mine"))
        self.owned.setToolTip(self.tr("A load test of a server of somebody else is an attack"))
        self.connections = _spin(1, MOST_CONNECTIONS, 10)
        self.messages = _spin(1, 100_000_000, 1_000)
        self.recipients = _spin(1, MOST_RECIPIENTS, 1)
        self.octets = _spin(1, MOST_SIZE, 2_048)
        self.rate = _spin(0, 1_000_000, 0)
        self.rate.setSpecialValueText(self.tr("as fast as it goes"))
        self.from_ = QLineEdit(LoadPlan().sender)
        self.recipient = QLineEdit(LoadPlan().recipient)
        self.pipelining = QCheckBox(self.tr("P&ipelining, when it is offered"))
        self.start = QPushButton(self.tr("Start"))
        self.start.setObjectName("primary")
        self.stop = QPushButton(self.tr("Stop"))
        self.banner, self.progress = Banner(closable=False), QProgressBar()
        self.plot = RatePlot(self.tr("Accepted messages a second"))
        self.figures, self.errors = LoadFiguresView(), LoadErrorsView()
        self._lay_out()
        self.picker.changed.connect(self._on_target)
        self.start.clicked.connect(self._on_start)
        self.stop.clicked.connect(self.stop_test)
        self._on_target()
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
        self._form.addRow("", self.owned)
        rows = (
            (self.tr("&Connections:"), self.connections), (self.tr("&Messages:"), self.messages),
            (self.tr("&Recipients:"), self.recipients), (self.tr("Si&ze, octets:"), self.octets),
            (self.tr("R&ate, per second:"), self.rate), (self.tr("&From:"), self.from_),
            (self.tr("&To:"), self.recipient),
        )  # fmt: skip
        for words, widget in rows:
            label = Label(words)
            label.setBuddy(widget)
            widget.setAccessibleName(words.replace("&", "").rstrip(":"))
            self._form.addRow(label, widget)
        self.recipient.setToolTip(self.tr("%d numbers the recipients: user%d@example.org"))
        self._form.addRow("", self.pipelining)
        inner = NarrowBox()
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 14, 12, 12)
        column.addLayout(self._form)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        self._choices = inner
        row = QHBoxLayout()
        row.setContentsMargins(16, 0, 12, 12)
        row.addWidget(self.start, 1)
        row.addWidget(self.stop, 1)
        box = QWidget()
        outer = QVBoxLayout(box)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area, 1)
        outer.addLayout(row)
        box.setMinimumWidth(48 * self.fontMetrics().averageCharWidth())
        self.stop.setEnabled(False)
        return box

    def _right(self) -> QWidget:
        self.copy, self.save = QPushButton(self.tr("Copy as text")), QPushButton(self.tr("Save…"))
        tint(self.copy, "copy")
        tint(self.save, "export")
        close = QPushButton(self.tr("Close"))
        self.copy.clicked.connect(self.copy_result)
        self.save.clicked.connect(self._on_save)
        close.clicked.connect(self.reject)
        for button in (self.copy, self.save):
            button.setEnabled(False)
        row = QHBoxLayout()
        row.addWidget(self.copy)
        row.addWidget(self.save)
        row.addStretch(1)
        row.addWidget(close)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("Progress"))
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(12, 14, 16, 12)
        column.addWidget(self.banner)
        column.addWidget(self.progress)
        column.addWidget(self.figures)
        column.addWidget(self.plot, 3)
        column.addWidget(self.errors, 2)
        column.addLayout(row)
        return box

    # Who may be tested.

    def _on_target(self) -> None:
        """Says at once when the chosen server is never tested, and what to do."""
        self.owned.setChecked(False)
        try:
            check_profile(self.picker.profile)
        except NotPermittedError as error:
            self._refuse(error, error.remedy)
            self.start.setEnabled(False)
            return
        self.start.setEnabled(self._test is None)
        self.banner.show_message(
            "info",
            self.tr("Only for servers of your own"),
            self.tr("This computer itself and servers at safety level free may be tested at once; "
                    "any other needs your word that it is yours. Production is never tested."),
        )  # fmt: skip

    def _refuse(self, error: NotPermittedError, remedy: str) -> None:
        title = f"{error.where}: {error.what}" if error.where else error.what
        self.banner.show_message("warn", title, remedy, details=str(error))

    async def _permitted(self, target: Target) -> LoadTarget | None:
        endpoint = target.endpoint
        try:
            return await permitted_target(
                endpoint.host, endpoint.port, profile=target.profile,
                i_own_this_server=self.owned.isChecked(), tls=endpoint.tls, user=endpoint.user,
                ca_file=endpoint.ca_file, fingerprint=endpoint.fingerprint,
            )  # fmt: skip
        except NotPermittedError as error:
            check_profile(target.profile)  # what no word of the owner changes is told as it is
            self._refuse(error, self.tr("If the server is yours, tick “This server is mine”."))
            self.owned.setFocus()
            return None

    def plan(self) -> LoadPlan:
        """What the form says."""
        return LoadPlan(
            connections=self.connections.value(), messages=self.messages.value(),
            recipients=self.recipients.value(), size=self.octets.value(),
            rate=float(self.rate.value()), pipelining=self.pipelining.isChecked(),
            sender=self.from_.text().strip(), recipient=self.recipient.text().strip(),
        )  # fmt: skip

    # Running.

    def _on_start(self) -> None:
        if self._test is None:
            self.start.setEnabled(False)
            self._scope.spawn("load", self._run())

    async def _run(self) -> None:
        try:
            target = await self.picker.target()
            permitted = await self._permitted(target)
            if permitted is not None:
                test = LoadTest(permitted, self.plan(), target.password)
                await self._watch(test, target.where)
        finally:
            self._test = None
            self._choices.setEnabled(True)
            self.start.setEnabled(True)
            self.stop.setEnabled(False)

    async def _watch(self, test: LoadTest, where: str) -> None:
        self._test = test
        self.plot.clear()
        self.errors.clear()
        self.progress.setRange(0, test.plan.messages)
        self._choices.setEnabled(False)
        self.stop.setEnabled(True)
        self.stop.setFocus()
        self.banner.show_message("info", self.tr("Sending to {0}…").format(where))
        test.progress.connect(self._on_progress)
        figures = await test.run()
        self._result = (where, test.plan, figures)
        self._show_end(figures)

    def _on_progress(self, figures: LoadFigures) -> None:
        if not figures.finished:
            self.plot.add(figures.elapsed_s, figures.rate)
        self.progress.setValue(figures.accepted + figures.failed)
        self.figures.show_figures(figures)
        self.errors.show_errors(figures.errors)

    def _show_end(self, figures: LoadFigures) -> None:
        if not self.plot.values:  # over before the first look
            self.plot.add(figures.elapsed_s, figures.mean_rate)
        bad = figures.failed + figures.recipients_refused
        words = self.tr("{0} of {1} accepted, {2} failed, in {3} s").format(
            figures.accepted, figures.wanted, figures.failed, f"{figures.elapsed_s:g}"
        )
        tone = "warn" if figures.stopped or bad else "ok"
        if not figures.accepted:
            tone = "err"
        remedy = self.tr("Stopped before the end.") if figures.stopped else ""
        if bad and figures.errors:
            remedy = f"{remedy} {self.tr('Choose an error below, and it is explained.')}".strip()
        self.banner.show_message(tone, words, remedy)
        for button in (self.copy, self.save):
            button.setEnabled(True)

    def stop_test(self) -> None:
        """End the run now."""
        if self._test is not None:
            self._test.stop()

    def done(self, code: int) -> None:
        """A closed dialog sends nothing more."""
        self.stop_test()
        self._scope.cancel_all()
        super().done(code)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.stop_test()
        super().closeEvent(event)

    # The result.

    def copy_result(self) -> None:
        """The result as text onto the clipboard."""
        if self._result is not None:
            QGuiApplication.clipboard().setText(as_text(*self._result))

    def _on_save(self) -> None:
        self._scope.spawn("save", self._save())

    async def _save(self) -> None:
        path = await ask_for_file(self, "load-test.json", ["JSON (*.json)", "Text (*.txt)"])
        if path is not None:
            await self.save_result(path)

    async def save_result(self, path: Path) -> None:
        """Write the result, as text when the name ends so. Raises StorageError."""
        if self._result is None:
            return
        write = as_text if path.suffix.lower() == ".txt" else as_json
        try:
            await run_blocking(write_private, path, write(*self._result).encode("utf-8", "replace"))
        except OSError as error:
            raise StorageError(
                f"the file cannot be written ({error.strerror})", where=str(path)
            ) from error
        self.banner.show_message("ok", self.tr("Saved to {0}").format(path.name))

    def _on_error(self, name: str, error: BaseException) -> None:
        if not isinstance(error, SmtpadminError):
            raise error
        title = f"{error.where}: {error.what}" if error.where else error.what
        self.banner.show_message("err", title, error.remedy, details=str(error))


def _spin(least: int, most: int, value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setValue(value)
    box.setGroupSeparatorShown(True)
    box.lineEdit().setTextMargins(6, 0, 0, 0)
    return box
