"""The table of every page: rows of a store, sorted by header, copied as TSV, filtered by menu.

Rows never jump under the pointer: when rows come or go above the first visible one, the view
scrolls with them; not where it ``keeps_end``, as a followed log does. Single letters act only while the table has the focus.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Hashable, Sequence
from typing import Any

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QTableView,
    QWidget,
)

from smtpadmin.gui.models.row_model import RowModel
from smtpadmin.gui.widgets.cell_delegate import CellDelegate
from smtpadmin.gui.widgets.cell_painter import CellPainter
from smtpadmin.model.filter import TextTerm

NORMAL_EXTRA, COMPACT_EXTRA = 13, 7
"""Pixels that a row is higher than its text."""


class Table(QTableView):
    """A view of a RowModel. ``activated_row`` is Enter or a double click; ``letter`` a single
    letter typed; ``filter_wanted`` a term chosen in the menu; ``picked`` a change of selection;
    ``followed`` the row whose link was clicked; ``menu_opening`` lets a page add to the menu."""

    activated_row = Signal(object)
    letter = Signal(str)
    filter_wanted = Signal(object)
    picked = Signal()
    followed = Signal(object)
    menu_opening = Signal(object)
    columns_changed = Signal()

    def __init__(self, model: RowModel[Any], name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = model
        self.keeps_end = False
        self._anchor: tuple[int, int] | None = None
        self.setModel(model)
        self.setAccessibleName(name)
        self.setItemDelegate(CellDelegate(self))
        self._painter = CellPainter(self, model)
        self._set_behaviour()
        self._set_header()
        model.rowsAboutToBeInserted.connect(self._remember_anchor)
        model.rowsInserted.connect(self._on_inserted)
        model.rowsAboutToBeRemoved.connect(self._remember_anchor)
        model.rowsRemoved.connect(self._on_removed)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self.doubleClicked.connect(self._on_double_click)
        self.customContextMenuRequested.connect(self._on_menu)

    def _set_behaviour(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.verticalHeader().hide()
        self.setMouseTracking(any(column.link for column in self.rows.columns))
        self.set_compact(False)

    def _set_header(self) -> None:
        header = self.horizontalHeader()
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setSortIndicatorShown(False)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self._on_header)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._on_header_menu)
        em = self.fontMetrics().averageCharWidth()
        header.setMinimumSectionSize(4 * em)
        for number, column in enumerate(self.rows.columns):
            self.setColumnWidth(number, round(column.width_em * em) + 24)
            self.setColumnHidden(number, column.hidden)
            if column.stretch:
                header.setSectionResizeMode(number, QHeaderView.ResizeMode.Stretch)

    def set_compact(self, compact: bool) -> None:
        """Rows of 24 instead of 30 px, at 100 % font."""
        extra = COMPACT_EXTRA if compact else NORMAL_EXTRA
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + extra)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        try:
            self._painter.paint(painter, event.rect())
        finally:  # a traceback would keep it alive, and Qt fails on the next frame
            painter.end()

    # Sorting.

    def sort_by(self, name: str, *, descending: bool = False) -> None:
        """Sort by a column and show it in the header."""
        number = self.rows.column_number(name)
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.rows.sort(number, order)
        header = self.horizontalHeader()
        header.setSortIndicatorShown(True)
        header.setSortIndicator(number, order)

    def _on_header(self, number: int) -> None:
        name, descending = self.rows.store.sort_order
        column = self.rows.columns[number]
        self.sort_by(column.name, descending=name == column.name and not descending)

    # Selection.

    def selected_positions(self) -> list[int]:
        """Selected visible rows, in order."""
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def selected_rows(self) -> list[Any]:
        """The selected row objects, in order."""
        return [self.rows.row(position) for position in self.selected_positions()]

    def current_row(self) -> Any | None:
        """The row under the cursor, or None."""
        position = self.currentIndex().row()
        return self.rows.row(position) if 0 <= position < self.rows.rowCount() else None

    def select_key(self, key: Hashable) -> bool:
        """Select and show one row; False when it is not visible."""
        position = self.rows.store.position_of(key)
        if position is None:
            return False
        self.selectRow(position)
        self.scrollTo(self.rows.index(position, 0))
        return True

    def _on_selection(self) -> None:
        self.picked.emit()

    # Rows never jump.

    def _remember_anchor(self) -> None:
        top = self.rowAt(0)
        bar = self.verticalScrollBar()
        self._anchor = (top, bar.value()) if top > 0 and not self.keeps_end else None

    def _on_inserted(self, parent: object, first: int, last: int) -> None:
        self._shift(first, last - first + 1)

    def _on_removed(self, parent: object, first: int, last: int) -> None:
        self._shift(first, first - last - 1)

    def _shift(self, first: int, rows: int) -> None:
        if self._anchor is None:
            return
        top, value = self._anchor
        self._anchor = None
        if first <= top:
            height = self.verticalHeader().defaultSectionSize()
            self.verticalScrollBar().setValue(max(0, value + rows * height))

    # Keys, copying, menus.

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current_row() is not None:
            self.activated_row.emit(self.current_row())
            return
        plain = event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.ShiftModifier,
        )
        if event.key() == Qt.Key.Key_Delete and plain:
            self.letter.emit("delete")
            return
        text = event.text().lower()
        if plain and len(text) == 1 and text.isalpha():
            self.letter.emit(text)
            return
        super().keyPressEvent(event)

    def copy_rows(self) -> None:
        """The visible columns of the selected rows as TSV onto the clipboard."""
        columns = self._visible_columns()
        lines = ["\t".join(self.rows.columns[c].title for c in columns)]
        lines += [
            "\t".join(str(self.rows.index(position, c).data() or "") for c in columns)
            for position in self.selected_positions()
        ]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def copy_cell(self) -> None:
        """The current cell onto the clipboard."""
        QGuiApplication.clipboard().setText(str(self.currentIndex().data() or ""))

    def _visible_columns(self) -> list[int]:
        header = self.horizontalHeader()
        ordered = (header.logicalIndex(at) for at in range(len(self.rows.columns)))
        return [number for number in ordered if not self.isColumnHidden(number)]

    def _on_double_click(self) -> None:
        if self.current_row() is not None:
            self.activated_row.emit(self.current_row())

    # Links.

    def _link_at(self, at: QPoint) -> QModelIndex | None:
        index = self.indexAt(at)
        leads = index.isValid() and self.rows.columns[index.column()].link and bool(index.data())
        return index if leads else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self._link_at(event.position().toPoint()) is not None
        shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)
        super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        index = self._link_at(event.position().toPoint())
        if index is not None and plain and event.button() == Qt.MouseButton.LeftButton:
            self.followed.emit(self.rows.row(index.row()))

    def _on_menu(self, at: QPoint) -> None:
        index = self.indexAt(at)
        if not index.isValid():
            return
        menu = QMenu(self)
        column = self.rows.columns[index.column()]
        row = self.rows.row(index.row())
        if column.term is not None:
            value = (column.value or column.text)(row)
            for words, negated in (
                (self.tr("Filter for “{0}”"), False),
                (self.tr("Exclude “{0}”"), True),
            ):
                action = menu.addAction(words.format(str(index.data())[:40]))
                term = TextTerm(column.term, value, negated)
                action.triggered.connect(functools.partial(self.filter_wanted.emit, term))
            menu.addSeparator()
        self.menu_opening.emit(menu)
        menu.addAction(self.tr("Copy cell"), self.copy_cell)
        menu.addAction(self.tr("Copy rows"), self.copy_rows)
        menu.addSeparator()
        self._fill_add_menu(menu.addMenu(self.tr("Add column")))
        self.fill_columns_menu(menu.addMenu(self.tr("Columns")))
        menu.popup(self.viewport().mapToGlobal(at))

    def _on_header_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        self.fill_columns_menu(menu)
        menu.popup(self.horizontalHeader().mapToGlobal(at))

    def fill_columns_menu(self, menu: QMenu) -> None:
        """One checkable entry for each column."""
        for number, column in enumerate(self.rows.columns):
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(not self.isColumnHidden(number))
            action.toggled.connect(functools.partial(self._show_column, number))

    def _fill_add_menu(self, menu: QMenu) -> None:
        hidden = [n for n in range(len(self.rows.columns)) if self.isColumnHidden(n)]
        menu.setEnabled(bool(hidden))
        for number in hidden:
            action = menu.addAction(self.rows.columns[number].title)
            action.triggered.connect(functools.partial(self._show_column, number, True))

    def _show_column(self, number: int, shown: bool) -> None:
        self.setColumnHidden(number, not shown)
        self.columns_changed.emit()

    def visible_names(self) -> list[str]:
        """Names of the columns that are shown, left to right."""
        return [self.rows.columns[number].name for number in self._visible_columns()]

    def hide_columns(self, names: Collection[str]) -> None:
        """Hide these; the menu still offers them."""
        for number, column in enumerate(self.rows.columns):
            if column.name in names:
                self.setColumnHidden(number, True)

    def show_only(self, names: Sequence[str]) -> None:
        """Show exactly these columns."""
        for number, column in enumerate(self.rows.columns):
            self.setColumnHidden(number, column.name not in names)
