"""The Activity page: everything that was done to servers, with copies and undo."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
)

from smtpadmin.gui.icons import tint
from smtpadmin.gui.models.activity_columns import ACTIVITY_COLUMNS, ACTIVITY_TABLE
from smtpadmin.gui.models.row_model import RowModel
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.empty_state import EmptyState
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.activity import Activity
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.services.row_store import RowStore
from smtpadmin.services.undo import can_undo, undo
from smtpadmin.util.tasks import run_blocking
from smtpadmin.util.text import visible


class ActivityPage(Page):
    """The journal, newest first."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__(context, "Activity")
        self.store: RowStore[Activity] = RowStore(ACTIVITY_COLUMNS, key=lambda a: a.id)
        self.table = Table(RowModel(self.store, ACTIVITY_TABLE), self.tr("Activity"))
        self.banner = Banner()
        self.empty = EmptyState()
        self.undo_button = QPushButton(self.tr("Undo"))
        tint(self.undo_button, "undo")
        self.undo_button.setEnabled(False)
        self.undo_button.clicked.connect(self.undo_last)
        self._detail = QPlainTextEdit()
        self._detail.setReadOnly(True)
        self._detail.setAccessibleName(self.tr("Details"))
        self._detail.setFixedHeight(8 * self.fontMetrics().lineSpacing())
        self._detail.hide()
        self._lay_out()
        self.table.picked.connect(self._on_picked)
        self.table.sort_by("time", descending=True)
        self._show_emptiness()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 6)
        words = Label(self.tr("Everything that smtpadmin did to servers from this account"))
        words.setObjectName("muted")
        row.addWidget(words, 1)
        row.addWidget(self.undo_button)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.banner)
        column.addWidget(self._stack, 1)
        column.addWidget(self._detail)

    def activate(self) -> None:
        super().activate()
        self.refresh()

    def refresh(self) -> None:
        """Read the journal again."""
        self.scope.spawn("journal", self._load())

    async def _load(self) -> None:
        try:
            self.store.upsert(await run_blocking(self.context.workspace.journal.read))
        except SmtpadminError as error:
            self.banner.show_message("err", error.what, error.remedy, details=str(error))
        self._show_emptiness()

    def _show_emptiness(self) -> None:
        if len(self.store):
            self._stack.setCurrentWidget(self.table)
            return
        self._stack.setCurrentWidget(self.empty)
        self.empty.show_state(
            "undo", self.tr("Nothing was changed yet"),
            self.tr("Each retry, hold, release, requeue, bounce and delete is listed here, with copies "
                    "of what was deleted, so that it can be put back."),
        )  # fmt: skip

    def _on_picked(self) -> None:
        chosen = self.table.selected_rows()
        one = chosen[0] if len(chosen) == 1 else None
        self.undo_button.setEnabled(one is not None and self._is_ours(one) and can_undo(one))
        self._detail.setVisible(one is not None)
        if one is not None:
            lines = [one.result, "", *one.commands, "", *one.queue_ids, "", *one.copies]
            self._detail.setPlainText("\n".join(visible(line, 1_000) for line in lines))

    def _is_ours(self, activity: Activity) -> bool:
        return activity.server == self.context.profile.name

    def undo_last(self) -> None:
        """Take the selected activity back."""
        chosen = self.table.selected_rows()
        if len(chosen) == 1:
            self.scope.spawn("undo", self._undo(chosen[0]))

    async def _undo(self, activity: Activity) -> None:
        try:
            done = await undo(self.context.actions, self.context.session.connector, activity)
        except SmtpadminError as error:
            self.banner.show_message("warn", error.what, error.remedy, details=str(error))
            return
        self.context.notice.emit(
            self.tr("Undone: {0} of {1}").format(done.ok, len(done.results)), None
        )
        await self._load()
