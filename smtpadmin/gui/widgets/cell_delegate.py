"""Says how large a cell wants to be. What cells look like is ``cell_painter``'s."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

Index = QModelIndex | QPersistentModelIndex


class CellDelegate(QStyledItemDelegate):
    """For every table of the window. A double click on the edge of a header asks it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, option.fontMetrics.height() + 14)
