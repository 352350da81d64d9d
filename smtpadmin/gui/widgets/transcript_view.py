"""An SMTP session line by line: time, direction, text; TLS part marked. A list of uniform rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFontDatabase, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.util.text import visible

_ARROWS = {">": "→", "<": "←", "*": " *"}
MOST_SHOWN = 400


class TranscriptModel(QAbstractListModel):
    """Lines of a session; new ones are appended as blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[TranscriptLine] = []

    def set_lines(self, lines: Iterable[TranscriptLine]) -> None:
        """Show these instead."""
        self.beginResetModel()
        self.lines = list(lines)
        self.endResetModel()

    def append(self, lines: Iterable[TranscriptLine]) -> None:
        """Add lines at the end."""
        new = list(lines)
        if new:
            first = len(self.lines)
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            self.lines += new
            self.endInsertRows()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.lines)

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        line = self.lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return words(line)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(visible(line.line))
        if role == Qt.ItemDataRole.ForegroundRole:
            return _colour(line)
        return None


def words(line: TranscriptLine) -> str:
    """A line as it is shown and copied."""
    lock = "~" if line.tls and line.direction != "*" else " "
    stamp = f"{line.t_ms / 1000:9.3f}" if line.t_ms or line.direction != "*" else " " * 9
    return f"{stamp} {lock}{_ARROWS.get(line.direction, ' ')} {visible(line.line, MOST_SHOWN)}"


def _colour(line: TranscriptLine) -> QColor:
    theme = current_theme()
    if line.direction == ">":
        return theme.color("accent")
    if line.direction == "<" and line.line[:1] in ("4", "5"):
        return theme.color("err")
    return theme.color("muted" if line.direction == "*" else "text")


class TranscriptView(QListView):
    """Shows a TranscriptModel; copies what is selected, or everything."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines = TranscriptModel()
        self.setModel(self.lines)
        self.setAccessibleName(self.tr("Transcript"))
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setUniformItemSizes(True)
        self.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def text(self) -> str:
        """Everything, one line a line."""
        return "\n".join(words(line) for line in self.lines.lines)

    def keyPressEvent(self, event: Any) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
            chosen = [words(self.lines.lines[row]) for row in rows]
            QGuiApplication.clipboard().setText("\n".join(chosen) or self.text())
            return
        super().keyPressEvent(event)
