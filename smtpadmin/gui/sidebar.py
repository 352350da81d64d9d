"""The sidebar: servers by group with state and deferred count, saved views, Add server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QMenu,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.icons import icon, tint
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.model.session_state import SessionState
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    from smtpadmin.model.profile import Profile

KEY_ROLE = Qt.ItemDataRole.UserRole
BADGE_ROLE = Qt.ItemDataRole.UserRole + 1
TONE_ROLE = Qt.ItemDataRole.UserRole + 2
ICON_ROLE = Qt.ItemDataRole.UserRole + 3
_GROUPS = {"production": "Production", "staging": "Staging", "test": "Test"}
"""Environments in the order of their weight, with the title of those without a group."""

_STATE_WORDS = {
    SessionState.OFFLINE: "offline",
    SessionState.AUTHENTICATION_FAILED: "login failed",
    SessionState.UNTRUSTED: "untrusted",
    SessionState.PERMISSION_DENIED: "denied",
    SessionState.STALE: "stale",
    SessionState.CONNECTING: "…",
}

_ICONS = {"builtin": "beaker", "catch-server": "incoming", "log-files": "log"}


class SavedView(NamedTuple):
    """A filter of the queue with a name."""

    name: str
    filter: str


class ServerTree(QTreeWidget):
    """A tree whose servers can be dragged within their group, or moved with Alt+Up and Alt+Down.
    ``moved`` tells a server and its new place among the group's."""

    moved = Signal(str, int)

    def __init__(self) -> None:
        super().__init__()
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDropIndicatorShown(True)

    def dropEvent(self, event: QDropEvent) -> None:
        event.ignore()  # the rows are drawn anew from the kept order
        item, target = self.currentItem(), self.itemAt(event.position().toPoint())
        if item is not None and target is not None:
            self._move(item, target)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        item = self.currentItem()
        group = item.parent() if item is not None else None
        alt = event.modifiers() == Qt.KeyboardModifier.AltModifier
        if not step or not alt or item is None or group is None:
            super().keyPressEvent(event)
            return
        target: QTreeWidgetItem | None = group.child(group.indexOfChild(item) + step)
        if target is not None:
            self._move(item, target)

    def _move(self, item: QTreeWidgetItem, target: QTreeWidgetItem) -> None:
        group = item.parent()
        key = str(item.data(0, KEY_ROLE) or "")
        if group is not None and target.parent() is group and key and not key.startswith("view:"):
            self.moved.emit(key, group.indexOfChild(target))


class Sidebar(QWidget):
    """``chosen`` tells the UUID of a server, ``view_chosen`` a saved view's filter, ``ordered`` the
    UUIDs of all servers after one was moved."""

    chosen = Signal(str)
    view_chosen = Signal(str)
    view_removed = Signal(str)
    ordered = Signal(list)
    add_wanted = Signal()
    edit_wanted = Signal(str)
    remove_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._search = QLineEdit()
        self._search.setPlaceholderText(self.tr("Find a server"))
        self._search.setAccessibleName(self.tr("Find a server"))
        self._search.textChanged.connect(self._on_search)
        self._search.hide()
        self._tree = ServerTree()
        self._tree.moved.connect(self._on_moved)
        self._tree.setAccessibleName(self.tr("Servers"))
        self._tree.setHeaderHidden(True)
        self._tree.setIndentation(8)
        self._tree.setRootIsDecorated(False)
        self._tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._tree.customContextMenuRequested.connect(self._on_menu)
        self._tree.currentItemChanged.connect(self._on_current)
        self._add = QPushButton(self.tr("Add server…"))
        self._add.setObjectName("flat")
        tint(self._add, "plus")
        self._add.clicked.connect(self.add_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 8, 6, 8)
        column.addWidget(self._search)
        column.addWidget(self._tree, 1)
        column.addWidget(self._add)

    def fill(self, profiles: Sequence[Profile], views: Sequence[SavedView]) -> None:
        """Show these servers and saved views; the current one stays current."""
        self._draw_rows()
        current = self.current()
        self._tree.blockSignals(True)
        self._tree.clear()
        self._items.clear()
        groups: dict[str, QTreeWidgetItem] = {}
        for environment, own_title in _GROUPS.items():
            for profile in profiles:
                if profile.environment == environment:
                    title = profile.group or self.tr(own_title)
                    group = groups.get(title) or self._group(title)
                    groups[title] = group
                    self._add_server(group, profile)
        if views:
            group = self._group(self.tr("Saved views"))
            for view in views:
                self._add_view(group, view)
        self._tree.expandAll()
        self._search.setVisible(len(profiles) > 6)
        if current in self._items:
            self._tree.setCurrentItem(self._items[current])
        self._tree.blockSignals(False)

    def _draw_rows(self) -> None:
        from smtpadmin.gui.sidebar_row import SidebarRow  # the first frame has no row

        if not isinstance(self._tree.itemDelegate(), SidebarRow):
            self._tree.setItemDelegate(SidebarRow(self._tree))

    def current(self) -> str:
        """The chosen server's UUID, or ''."""
        item = self._tree.currentItem()
        return str(item.data(0, KEY_ROLE) or "") if item else ""

    def choose(self, uuid: str) -> None:
        """Choose a server as a click would."""
        if uuid in self._items:
            self._tree.setCurrentItem(self._items[uuid])

    def show_state(self, uuid: str, state: SessionState, deferred: int | None) -> None:
        """A server's dot and badge."""
        item = self._items.get(uuid)
        if item is None:
            return
        words = _STATE_WORDS.get(state)
        badge = self.tr(words) if words else ("" if deferred is None else str(deferred))
        tone = (
            "ok"
            if state is SessionState.CONNECTED
            else "err"
            if words not in ("…", "stale")
            else "warn"
        )
        item.setData(0, BADGE_ROLE, badge)
        item.setData(0, TONE_ROLE, tone)
        name = item.text(0)
        spoken = self.tr("{0}, {1}").format(name, badge or self.tr("connected"))
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, spoken)
        item.setToolTip(0, tooltip(spoken))

    def _group(self, title: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem(self._tree, [title.upper()])
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        return item

    def _add_server(self, group: QTreeWidgetItem, profile: Profile) -> None:
        item = QTreeWidgetItem(group, [visible(profile.name)])
        item.setData(0, KEY_ROLE, profile.uuid)
        item.setData(0, ICON_ROLE, _ICONS.get(profile.kind, "server"))
        item.setToolTip(0, tooltip(visible(profile.name)))
        self._items[profile.uuid] = item

    def _add_view(self, group: QTreeWidgetItem, view: SavedView) -> None:
        item = QTreeWidgetItem(group, [view.name])
        item.setData(0, KEY_ROLE, f"view:{view.filter}")
        item.setData(0, ICON_ROLE, "bookmark")
        item.setToolTip(0, tooltip(view.filter))

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        key = str(item.data(0, KEY_ROLE) or "") if item else ""
        if key.startswith("view:"):
            self.view_chosen.emit(key.removeprefix("view:"))
        elif key:
            self.chosen.emit(key)

    def _on_moved(self, uuid: str, place: int) -> None:
        group = self._items[uuid].parent()
        assert group is not None  # a server is always in one
        items = (group.child(n) for n in range(group.childCount()))
        own = [str(item.data(0, KEY_ROLE)) for item in items if item is not None]
        own.remove(uuid)
        own.insert(place, uuid)
        others = [key for key in self._items if key not in own]
        self.ordered.emit([*others, *own])

    def _on_search(self, text: str) -> None:
        for uuid, item in self._items.items():
            item.setHidden(bool(uuid) and text.casefold() not in item.text(0).casefold())

    def _on_menu(self, at: QPoint) -> None:
        item = self._tree.itemAt(at)
        key = str(item.data(0, KEY_ROLE) or "") if item else ""
        menu = QMenu(self)
        if key.startswith("view:"):
            menu.addAction(self.tr("Remove view"), lambda: self.view_removed.emit(key[5:]))
        elif key:
            menu.addAction(self.tr("Edit…"), lambda: self.edit_wanted.emit(key))
            menu.addAction(self.tr("Remove…"), lambda: self.remove_wanted.emit(key))
        menu.addAction(icon("plus"), self.tr("Add server…"), self.add_wanted.emit)
        menu.popup(self._tree.viewport().mapToGlobal(at))
