"""The Caught page: what the catch server took, as it comes; each message beside its session."""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
)

from smtpadmin.gui.ask import ask
from smtpadmin.gui.dialogs.export import ask_for_file
from smtpadmin.gui.icons import tint
from smtpadmin.gui.models.caught_columns import CAUGHT_TABLE
from smtpadmin.gui.models.row_model import RowModel
from smtpadmin.gui.pages.catch_state import CatchState
from smtpadmin.gui.pages.caught_detail import CaughtDetail
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.time_format import TIMES
from smtpadmin.gui.widgets.empty_state import EmptyState
from smtpadmin.gui.widgets.filter_box import FilterBox
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.catch import CaughtMessage, CaughtSession
from smtpadmin.model.filter import Filter
from smtpadmin.services.batcher import Batcher
from smtpadmin.services.catch_host import CatchHost
from smtpadmin.services.caught import CAUGHT_COLUMNS, Caught, row_of_message, row_of_session
from smtpadmin.services.message_checks import checks_of
from smtpadmin.services.row_store import RowStore
from smtpadmin.services.save_message import save_message

MOST_ROWS = 10_000
NARROW = 880
MOST_UNCHECKED = 200
"""Messages that wait to be checked; in a flood the oldest of them are checked when they are shown."""


class CaughtPage(Page):
    """Newest first. Del deletes, Enter releases."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__(context, "Caught")
        host = context.session.connector
        assert isinstance(host, CatchHost)
        self.host = host
        self.store: RowStore[Caught] = RowStore(
            CAUGHT_COLUMNS, key=lambda row: row.key, limit=MOST_ROWS
        )
        self.table = Table(RowModel(self.store, CAUGHT_TABLE), self.tr("Caught messages"))
        self.box = FilterBox(self.tr("Filter, e.g. to:@acme.example size>1M"), self._values)
        self.release = self._button(self.tr("Release…"), "release", self.release_selected)
        self.save = self._button(self.tr("Save .eml…"), "export", self.export)
        self.delete = self._button(self.tr("Delete"), "trash", self.delete_selected)
        self.clear = self._button(self.tr("Clear"), "close", self.clear_all)
        self.state = CatchState(context, host)
        self.empty = EmptyState()
        self.detail = CaughtDetail(host)
        self._batch: Batcher[Caught] = Batcher(self._take)
        self._gone: Batcher[str] = Batcher(self._drop, wait=0.5)
        self._unchecked: deque[CaughtMessage] = deque(maxlen=MOST_UNCHECKED)
        self._checking: asyncio.Task[None] | None = None
        self._lay_out()
        self._connect()
        self.table.sort_by("time", descending=True)
        for message in host.store:
            self._on_caught(message)
        self._show_emptiness()
        self._enable()

    def _button(self, words: str, icon: str, do: object) -> QPushButton:
        button = QPushButton(words)
        tint(button, icon)
        button.clicked.connect(do)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(12, 4, 12, 8)
        row.setSpacing(6)
        row.addWidget(self.box, 1)
        for button in (self.release, self.save, self.delete, self.clear):
            row.addWidget(button)
        self.release.setToolTip(self.tr("Hand the message on to a real server (Enter)"))
        self.delete.setToolTip(self.tr("Forget the chosen messages (Del)"))
        self.clear.setToolTip(self.tr("Forget everything that was caught"))
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self._stack)
        splitter.addWidget(self.detail)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 1)
        splitter.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.state)
        column.addLayout(row)
        column.addWidget(splitter, 1)

    def _connect(self) -> None:
        self.box.changed.connect(self._on_filter)
        self.table.filter_wanted.connect(self.box.add)
        self.table.picked.connect(self._on_picked)
        self.table.letter.connect(self._on_letter)
        self.table.activated_row.connect(self.release_selected)
        self.table.menu_opening.connect(self._add_to_menu)
        self.detail.message.structure.save_wanted.connect(self._on_save)
        TIMES.changed.connect(self.table.rows.refresh_texts)
        self.host.caught.connect(self._on_caught)
        self.host.session_ended.connect(self._on_session)
        self.host.dropped.connect(self._on_dropped)
        self.host.changed.connect(self._show_emptiness)

    def activate(self) -> None:
        super().activate()
        self.table.setFocus()

    def focus_filter(self) -> None:
        self.box.setFocus()

    def escape(self) -> bool:
        """Clear the filter, then the selection."""
        if self.box.text:
            self.box.set_text("")
        elif self.table.selected_positions():
            self.table.clearSelection()
        else:
            return False
        return True

    def toggle_detail(self) -> None:
        """F8."""
        self.detail.setVisible(not self.detail.isVisible() and bool(self.table.selected_rows()))

    async def close_page(self) -> None:
        self._gone.flush()
        self._batch.flush()
        await self.detail.close_detail()
        await self.state.close_state()
        self.host.caught.disconnect(self._on_caught)
        self.host.session_ended.disconnect(self._on_session)
        self.host.dropped.disconnect(self._on_dropped)
        self.host.changed.disconnect(self._show_emptiness)
        await super().close_page()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the subject has the room; the detail says client and TLS, too."""
        super().resizeEvent(event)
        narrow = event.size().width() < NARROW
        if narrow != (event.oldSize().width() < NARROW) or event.oldSize().width() < 0:
            for name in ("client", "tls"):
                self.table.setColumnHidden(self.table.rows.column_number(name), narrow)

    # What comes.

    def _on_caught(self, message: CaughtMessage) -> None:
        self._unchecked.append(message)
        self._batch.add([row_of_message(message)])

    def _on_session(self, session: CaughtSession) -> None:
        self.detail.on_session_ended(session)
        if not session.messages:
            self._batch.add([row_of_session(session)])

    def _on_dropped(self, ids: tuple[str, ...]) -> None:
        self._gone.add(ids)

    def _drop(self, ids: list[str]) -> None:
        self._batch.flush()  # some may not be rows yet
        self.store.remove(ids)

    def _take(self, rows: list[Caught]) -> None:
        first = not self.store.total
        self.store.upsert(rows)
        self._show_emptiness()
        if first and len(self.store):
            self.table.selectRow(0)
        if self._checking is None:
            self._checking = self.scope.spawn("checks", self._check())

    async def _check(self) -> None:
        """The newest first, one at a time: a flood must not take the machine."""
        try:
            while self._unchecked:
                message = self._unchecked.pop()
                checks = await checks_of(message)
                row = self.store.get(message.message_id)
                if row is not None:
                    self.store.upsert([replace(row, checks=checks)])
                    self._on_picked()
        finally:
            self._checking = None

    def _values(self) -> Mapping[str, Sequence[str]]:
        return {name: [v for v, _ in self.store.facet(column)[:20]]
                for name, column in (("state", "outcome"), ("to", "recipient"), ("from", "sender"))}  # fmt: skip

    def _on_filter(self, wanted: Filter) -> None:
        self.store.set_filter(wanted, datetime.now(UTC))
        self._show_emptiness()

    def _show_emptiness(self) -> None:
        self._stack.setCurrentWidget(self.table if len(self.store) else self.empty)
        self.clear.setEnabled(bool(self.store.total))
        if len(self.store):
            return
        self.detail.show_row(None)
        if self.store.total:
            self.empty.show_state(
                "filter", self.tr("0 of {0} match").format(self.store.total),
                self.tr("The filter hides everything that was caught."),
                (self.tr("Clear filter"), functools.partial(self.box.set_text, "")),
            )  # fmt: skip
            return
        if self.host.address is None:
            self.empty.show_state(
                "pause", self.tr("The catch server does not listen"),
                self.tr("No mail can come while it is stopped. What it had caught is kept until "
                        "the window closes."),
                (self.tr("Start it"), self.state.start),
            )  # fmt: skip
            return
        self.empty.show_state(
            "incoming", self.tr("Nothing caught yet"),
            self.tr("Every message that is sent to this server appears here with its session, and "
                    "none is delivered. Point a program at {0}, or type:\n{1}")
            .format(_place(self.host), first_line(self.host)),
            (self.tr("Send a test to it"), self.context.send_wanted.emit),
            (self.tr("Copy the line"), self._copy_line),
        )  # fmt: skip

    def _copy_line(self) -> None:
        QGuiApplication.clipboard().setText(first_line(self.host))
        self.context.notice.emit(self.tr("Copied"), None)

    # The chosen rows.

    def _on_picked(self) -> None:
        rows: list[Caught] = self.table.selected_rows()
        self.detail.show_row(rows[0] if len(rows) == 1 else None)
        self._enable()

    def _enable(self) -> None:
        rows: list[Caught] = self.table.selected_rows()
        one = len(rows) == 1 and rows[0].message is not None
        self.release.setEnabled(one)
        self.save.setEnabled(one)
        self.delete.setEnabled(bool(rows))

    def _message(self) -> CaughtMessage | None:
        rows: list[Caught] = self.table.selected_rows()
        return rows[0].message if len(rows) == 1 else None

    def _on_letter(self, letter: str) -> None:
        if letter == "delete":
            self.delete_selected()

    def _add_to_menu(self, menu: QMenu) -> None:
        for button, do in ((self.release, self.release_selected), (self.save, self.export),
                           (self.delete, self.delete_selected)):  # fmt: skip
            menu.addAction(button.text(), do).setEnabled(button.isEnabled())
        menu.addSeparator()

    def release_selected(self, row: object = None) -> None:
        """Hand the chosen message on, after a question."""
        from smtpadmin.gui.dialogs.release_message import ReleaseMessage

        message = self._message()
        if message is not None:
            dialog = ReleaseMessage(message, self.context.workspace, self)
            self.scope.spawn("release", ask(dialog))

    def export(self) -> None:
        """Save the chosen message as a file."""
        self._on_save("", "message.eml")

    def _on_save(self, number: str, name: str) -> None:
        message = self._message()
        if message is not None:
            self.scope.spawn("save", self._save(message, number, name))

    async def _save(self, message: CaughtMessage, number: str, name: str) -> None:
        path: Path | None = await ask_for_file(self, name, [self.tr("Message (*.eml)"), "* (*)"])
        if path is None:
            return
        if number:
            size = await self.detail.message.save(number, path)
        else:
            size = await save_message(message.raw, path)
        words = self.tr("{0} octets saved to {1}").format(size, path.name)
        self.context.notice.emit(words, None)

    def delete_selected(self) -> None:
        """Forget the chosen rows; Undo brings them back."""
        self._forget(self.table.selected_rows())

    def clear_all(self) -> None:
        """Forget everything; Undo brings it back."""
        self._batch.flush()
        self._forget(list(self.store.all_rows()))

    def _forget(self, rows: Sequence[Caught]) -> None:
        if not rows:
            return
        kept = {message.message_id for message in self.host.store}
        for row in rows:
            if row.key in kept:
                self.host.store.remove(row.key)
        self.store.remove([row.key for row in rows])
        self._show_emptiness()
        words = self.tr("{0} forgotten").format(len(rows))
        self.context.notice.emit(words, functools.partial(self._bring_back, tuple(rows)))

    def _bring_back(self, rows: Sequence[Caught]) -> None:
        for row in rows:
            if row.message is not None:
                self.host.store.add(row.message)
        self._batch.add(rows)


def _place(host: CatchHost) -> str:
    return f"{host.address[0]}:{host.address[1]}" if host.address is not None else ""


def first_line(host: CatchHost) -> str:
    """What to type in a shell to send a first mail to it."""
    endpoint = next(iter(host.submission_endpoints()), None)
    if endpoint is None:
        return ""
    login = f" --auth-user {endpoint.user} --auth-password test" if endpoint.user else ""
    tls = {"none": "", "starttls": " --tls", "implicit": " --tlsc"}[endpoint.tls.value]
    return f"swaks --server {endpoint.host}:{endpoint.port} --to you@example.org{tls}{login}"
