"""An SMTP session line by line: time, direction, text; TLS part marked. Rows of one height, so that a
session of 100,000 lines scrolls and grows at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import (
    QColor,
    QFontDatabase,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.util.text import visible

Index = QModelIndex | QPersistentModelIndex
_ARROWS = {">": "→", "<": "←", "*": " *"}
_NAMES = {">": "sent", "<": "received", "*": "note"}
_AT = 15
"""Characters before the text: time, mark and arrow."""
MOST_SHOWN = 400


class TranscriptModel(QAbstractListModel):
    """Lines of a session; new ones are appended as blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[TranscriptLine] = []
        self.longest = 0

    def set_lines(self, lines: Iterable[TranscriptLine]) -> None:
        """Show these instead."""
        self.beginResetModel()
        self.lines = list(lines)
        self.longest = 0
        self._measure(self.lines)
        self.endResetModel()

    def append(self, lines: Iterable[TranscriptLine]) -> None:
        """Add lines at the end."""
        new = list(lines)
        if new:
            first = len(self.lines)
            self._measure(new)
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            self.lines += new
            self.endInsertRows()

    def _measure(self, lines: list[TranscriptLine]) -> None:
        longest = max((len(line.line) for line in lines), default=0)
        self.longest = max(self.longest, min(longest, MOST_SHOWN + 30) + _AT)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.lines)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return words(line)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            tls = ", TLS" if line.tls else ""
            return f"{_NAMES.get(line.direction, '')}{tls}: {visible(line.line)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(visible(line.line))
        if role == Qt.ItemDataRole.ForegroundRole:
            return current_theme().color(tone(line))
        return None


def words(line: TranscriptLine) -> str:
    """A line as it is shown and copied."""
    lock = "~" if line.tls and line.direction != "*" else " "
    stamp = f"{line.t_ms / 1000:9.3f}" if line.t_ms or line.direction != "*" else " " * 9
    return f"{stamp} {lock}{_ARROWS.get(line.direction, ' ')} {visible(line.line, MOST_SHOWN)}"


def tone(line: TranscriptLine) -> str:
    """The token of a line's colour."""
    if line.direction == ">":
        return "accent"
    if line.direction == "<" and line.line[:1] in ("4", "5"):
        return "err"
    return "muted" if line.direction == "*" else "text"


class _Painter(QStyledItemDelegate):
    """Time, a bar beside what went over TLS, the line, and what was searched for."""

    def __init__(self, parent: TranscriptView) -> None:
        super().__init__(parent)
        self.sought = ""
        self._colors: dict[str, QColor] = {}
        current_theme().changed.connect(self._colors.clear)

    def _color(self, token: str) -> QColor:
        if token not in self._colors:
            self._colors[token] = current_theme().color(token)
        return self._colors[token]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, TranscriptModel)
        line, rect = model.lines[index.row()], option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self._color("select"))
        if line.tls:
            painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), self._color("ok"))
        text, inner = words(line), rect.adjusted(8, 0, 0, 0)
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # not the application's
        painter.setFont(option.font)
        if self.sought:
            self._mark(painter, option, inner, text)
        painter.setPen(self._color("muted"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, text[: _AT - 4])
        painter.setPen(self._color(tone(line)))
        rest = text[_AT - 4 :]
        shift = option.fontMetrics.horizontalAdvance(text[: _AT - 4])
        painter.drawText(inner.adjusted(shift, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, rest)

    def _mark(
        self, painter: QPainter, option: QStyleOptionViewItem, inner: QRect, text: str
    ) -> None:
        low, at = text.casefold(), -1
        measure = option.fontMetrics.horizontalAdvance
        while (at := low.find(self.sought, at + 1)) >= 0:
            left = inner.left() + measure(text[:at])
            wide = measure(text[at : at + len(self.sought)])
            painter.fillRect(
                QRect(left, inner.top() + 1, wide, inner.height() - 2), self._color("warn_ground")
            )


class TranscriptView(QTableView):
    """Shows a TranscriptModel; copies what is selected, or everything."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines = TranscriptModel()
        self._painter = _Painter(self)
        self.setModel(self.lines)
        self.setItemDelegate(self._painter)
        self.setAccessibleName(self.tr("Transcript"))
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.horizontalHeader().hide()
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(1)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 3)
        self.lines.rowsInserted.connect(self._widen)
        self.lines.modelReset.connect(self._widen)

    def _widen(self) -> None:
        wide = (self.lines.longest + 12) * self.fontMetrics().horizontalAdvance("x")
        self.setColumnWidth(0, max(wide, self.viewport().width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        stays = self.is_at_end
        super().resizeEvent(event)
        self._widen()
        if stays:
            self.scrollToBottom()

    @property
    def is_at_end(self) -> bool:
        """Whether the last line is shown: only then a new one may scroll."""
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - self.verticalHeader().defaultSectionSize()

    def text(self) -> str:
        """Everything, one line a line."""
        return "\n".join(words(line) for line in self.lines.lines)

    def search(self, text: str) -> list[int]:
        """Mark a text, whatever its case; gives the rows that have it."""
        self._painter.sought = sought = text.casefold()
        self.viewport().update()
        if not sought:
            return []
        shown = enumerate(self.lines.lines)
        return [row for row, line in shown if sought in words(line).casefold()]

    def show_row(self, row: int) -> None:
        """Select a line and bring it into view."""
        index = self.lines.index(row, 0)
        self.setCurrentIndex(index)
        self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)
        self.horizontalScrollBar().setValue(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
            chosen = [words(self.lines.lines[row]) for row in rows]
            QGuiApplication.clipboard().setText("\n".join(chosen) or self.text())
            return
        super().keyPressEvent(event)
