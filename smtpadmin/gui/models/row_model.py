"""A Qt table model over a row store: blocks of change in, strings only when a cell is painted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from smtpadmin.gui.models.table_column import TableColumn
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.services.row_store import Change, ChangeKind, RowStore
from smtpadmin.util.text import visible

T = TypeVar("T")
Index = QModelIndex | QPersistentModelIndex
MOST_CELL = 500
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Cell(NamedTuple):
    """What is painted of a cell: its words, the token of their colour, and a pill's icon."""

    text: str
    tone: str | None
    icon: str | None


def cell_of(column: TableColumn[T], row: T) -> Cell:
    """What is painted of a row in a column."""
    return Cell(
        visible(column.text(row), MOST_CELL),
        column.tone(row) if column.tone else None,
        column.icon(row) if column.icon else None,
    )


class RowModel(QAbstractTableModel, Generic[T]):
    """Rows of a store as table cells."""

    def __init__(self, store: RowStore[T], columns: Sequence[TableColumn[T]]) -> None:
        super().__init__()
        self.store = store
        self.columns = tuple(columns)
        store.changing.connect(self._on_changing)
        store.changed.connect(self._on_changed)

    def row(self, position: int) -> T:
        """The row object at a visible position."""
        return self.store.row(position)

    def rows(self, first: int, last: int) -> list[T]:
        """The row objects from one visible position to another, both included. A packed row is
        made anew every time: who wants several of its cells asks for it once."""
        return [self.store.row(position) for position in range(first, last + 1)]

    def column_number(self, name: str) -> int:
        """Where a column stands; -1 when there is none of that name."""
        return next((i for i, column in enumerate(self.columns) if column.name == name), -1)

    def refresh_texts(self) -> None:
        """Words have changed though rows have not (ages, time zone)."""
        if len(self.store):
            last = self.index(len(self.store) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last, [Qt.ItemDataRole.DisplayRole])

    # The store's changes.

    def _on_changing(self, change: Change) -> None:
        last = change.first + change.count - 1
        if change.kind is ChangeKind.INSERT:
            self.beginInsertRows(QModelIndex(), change.first, last)
        elif change.kind is ChangeKind.REMOVE:
            self.beginRemoveRows(QModelIndex(), change.first, last)
        elif change.kind is ChangeKind.RESET:
            self.beginResetModel()
        elif change.kind is ChangeKind.LAYOUT:
            self.layoutAboutToBeChanged.emit()

    def _on_changed(self, change: Change) -> None:
        if change.kind is ChangeKind.INSERT:
            self.endInsertRows()
        elif change.kind is ChangeKind.REMOVE:
            self.endRemoveRows()
        elif change.kind is ChangeKind.RESET:
            self.endResetModel()
        elif change.kind is ChangeKind.LAYOUT:
            self._move_persistent(change)
            self.layoutChanged.emit()
        else:
            last = change.first + change.count - 1
            self.dataChanged.emit(
                self.index(change.first, 0), self.index(last, len(self.columns) - 1)
            )

    def _move_persistent(self, change: Change) -> None:
        if change.moved is None:
            return
        for old in self.persistentIndexList():
            self.changePersistentIndex(old, self.index(change.moved(old.row()), old.column()))

    # Qt's side.

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.store)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if self.columns[section].right else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            column = self.columns[index.column()]
            return visible(column.text(self.store.row(index.row())), MOST_CELL)
        if role in (Qt.ItemDataRole.TextAlignmentRole, Qt.ItemDataRole.ToolTipRole):
            return self._more(index, role)
        return None

    def _more(self, index: Index, role: int) -> Any:
        column = self.columns[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column.right else _LEFT
        words = column.tooltip or column.text
        return tooltip(visible(words(self.store.row(index.row()))))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if column < 0:
            self.store.sort(None)
        else:
            descending = order == Qt.SortOrder.DescendingOrder
            self.store.sort(self.columns[column].name, descending=descending)
