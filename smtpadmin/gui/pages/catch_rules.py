"""The Rules page of the catch server: errors that it makes on purpose, in force while one types."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
)

from smtpadmin.formats.catch_rules import PRESETS, read_rule, read_rules, write_rules
from smtpadmin.gui.ask import ask
from smtpadmin.gui.dialogs.export import ask_for_file
from smtpadmin.gui.icons import tint
from smtpadmin.gui.pages.catch_state import CatchState
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.empty_state import EmptyState
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.rule_table import RuleTable
from smtpadmin.model.catch import CatchRule
from smtpadmin.model.errors import SmtpadminError, StorageError, UsageError
from smtpadmin.model.smtp import Stage
from smtpadmin.services.catch_host import CatchHost
from smtpadmin.settings.files import write_private
from smtpadmin.util.tasks import run_blocking

COUNT_EVERY_MS = 1_000
MOST_OCTETS = 1_000_000
NEW = CatchRule(Stage.RCPT, reply="451 4.3.0 Try again later")


class CatchRulesPage(Page):
    """The first rule that fits acts. Wrong ones are marked and said; the right ones are in force."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__(context, "Rules")
        host = context.session.connector
        assert isinstance(host, CatchHost)
        self.host = host
        self.scope = TaskScope(self, self._on_error)
        self.table = RuleTable()
        self.banner = Banner(closable=False)
        self.problem = Banner()
        self.empty = EmptyState()
        self.state = CatchState(context, host)
        self.hint = Label()
        self.hint.setObjectName("muted")
        self.hint.setWordWrap(True)
        self.add, self.presets = self._add_button(), QMenu(self)
        self.remove = self._button(self.tr("Remove"), "trash", self.table.remove_row)
        self.up = self._button("", "chevron-up", functools.partial(self.table.move_row, -1))
        self.down = self._button("", "chevron-down", functools.partial(self.table.move_row, 1))
        self.load = self._button(self.tr("Load…"), "log", self._on_load)
        self.save = self._button(self.tr("Save…"), "export", self.export)
        for button, words in ((self.up, self.tr("Move up")), (self.down, self.tr("Move down"))):
            button.setToolTip(words)
            button.setAccessibleName(words)
        self._wrong = False
        self._timer = QTimer(self)
        self._timer.setInterval(COUNT_EVERY_MS)
        self._timer.timeout.connect(self._count)
        self._fill_presets()
        self._lay_out()
        self.table.edited.connect(self._on_edited)
        self.table.currentCellChanged.connect(self._enable)
        self.table.show_rules(host.setup.rules)
        self._show()

    def _add_button(self) -> QPushButton:
        button = QPushButton(self.tr("Add rule"))
        button.setObjectName("primary")
        tint(button, "plus", "on_accent")
        button.setAccessibleDescription(self.tr("Opens a list of rules to begin with"))
        button.clicked.connect(self._on_add)
        return button

    def _button(self, words: str, icon: str, do: Callable[[], None]) -> QPushButton:
        button = QPushButton(words)
        tint(button, icon)
        button.clicked.connect(lambda _: do())
        return button

    def _fill_presets(self) -> None:
        for name, text in PRESETS:
            action = self.presets.addAction(self.tr(name))
            action.setToolTip(text)
            action.triggered.connect(functools.partial(self.add_preset, name, text))
        self.presets.addSeparator()
        self.presets.addAction(self.tr("A rule of your own"), self._add_own)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(12, 4, 12, 8)
        row.setSpacing(6)
        for button in (self.add, self.remove, self.up, self.down):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.load)
        row.addWidget(self.save)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        self.hint.setContentsMargins(14, 6, 14, 10)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.state)
        column.addLayout(row)
        column.addWidget(self.banner)
        column.addWidget(self.problem)
        column.addWidget(self._stack, 1)
        column.addWidget(self.hint)

    def activate(self) -> None:
        super().activate()
        self._timer.start()
        self._count()
        self.table.setFocus()

    def deactivate(self) -> None:
        super().deactivate()
        self._timer.stop()

    async def close_page(self) -> None:
        self._timer.stop()
        await self.state.close_state()
        await super().close_page()

    # Editing.

    def _on_add(self) -> None:
        self.presets.popup(self.add.mapToGlobal(self.add.rect().bottomLeft()))

    def add_preset(self, name: str, text: str) -> None:
        """Add one of the rules that people try first."""
        self.table.add_rule(replace(read_rule(text), name=name))

    def _add_own(self) -> None:
        self.table.add_rule(NEW)

    def _on_edited(self) -> None:
        rules, wrong = self.table.check()
        self._wrong = bool(wrong)
        if wrong:
            row, error = wrong[0]
            words = [self.tr("The other rules are in force."), error.remedy]
            if len(wrong) > 1:
                words.insert(0, self.tr("{0} more rows are wrong.").format(len(wrong) - 1))
            title = self.tr("Row {0}: {1}").format(row + 1, error.what)
            self.banner.show_message("err", title, " ".join(words))
        else:
            self.banner.hide()
        self._show()
        self.scope.spawn("rules", self._put_in_force(rules))

    async def _put_in_force(self, rules: list[CatchRule]) -> None:
        await self.host.set_rules(rules)
        self.state.keep()
        self._count()

    def _show(self) -> None:
        rows = self.table.rowCount()
        self._stack.setCurrentWidget(self.table if rows else self.empty)
        self.hint.setText(
            self.tr(
                "The first rule that fits acts; clients that connect from now on, and those that "
                "are here, meet it at once. Enter or F2 edits a cell; the headers say "
                "what goes into it."
            )
            if rows
            else ""
        )
        self.empty.show_state(
            "shield", self.tr("Every message is taken"),
            self.tr("A rule makes the server err on purpose: refuse a recipient, greylist, answer "
                    "slowly, drop the connection, show an expired certificate. See how your "
                    "program takes it."),
            (self.tr("Add rule"), self._on_add_empty),
            (self.tr("Load rules…"), self._on_load),
        )  # fmt: skip
        self._enable()

    def _on_add_empty(self) -> None:
        self.add.setFocus()
        self._on_add()

    def _enable(self, *_: int) -> None:
        row, rows = self.table.currentRow(), self.table.rowCount()
        self.remove.setEnabled(0 <= row < rows)
        self.up.setEnabled(0 < row < rows)
        self.down.setEnabled(0 <= row < rows - 1)
        self.save.setEnabled(rows > 0)

    def _count(self) -> None:
        if not self._wrong:
            self.table.show_acted(self.host.rules_acted())

    # Files.

    def _on_load(self) -> None:
        self.scope.spawn("load", self._load())

    async def _load(self) -> None:
        dialog = QFileDialog(self, self.tr("Load rules"))
        dialog.setNameFilters(["JSON (*.json)", "* (*)"])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog, True)
        if await ask(dialog) == QDialog.DialogCode.Accepted:
            await self.load_file(Path(dialog.selectedFiles()[0]))

    async def load_file(self, path: Path) -> None:
        """The rules of a file instead of those that are here. Raises UsageError."""
        try:
            octets = await run_blocking(_head_of, path)
        except OSError as error:
            raise UsageError(f"cannot be read ({error.strerror})", where=str(path)) from error
        self.table.show_rules(read_rules(octets, path.name))
        self._on_edited()

    def export(self) -> None:
        """Save the rules as a file that ``catch --rules`` reads, too."""
        self.scope.spawn("save", self._save())

    async def _save(self) -> None:
        path = await ask_for_file(self, "rules.json", ["JSON (*.json)"])
        if path is not None:
            await self.save_file(path)

    async def save_file(self, path: Path) -> None:
        """Write the rules that are in force. Raises StorageError."""
        try:
            await run_blocking(write_private, path, write_rules(self.host.setup.rules))
        except OSError as error:
            raise StorageError(
                f"the file cannot be written ({error.strerror})", where=str(path)
            ) from error
        words = self.tr("{0} rules saved to {1}").format(len(self.host.setup.rules), path.name)
        self.context.notice.emit(words, None)

    def _on_error(self, name: str, error: BaseException) -> None:
        if not isinstance(error, SmtpadminError):
            raise error
        self.problem.show_message("err", error.what, f"{error.where}. {error.remedy}")


def _head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_OCTETS)
