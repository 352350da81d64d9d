"""The command palette: ``>`` commands, ``@`` servers, ``#`` queue IDs; everything by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.theme.theme import current_theme

MOST_SHOWN = 14
HINT_ROLE = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can be chosen. ``prefix`` is its kind; ``hint`` a shortcut or place."""

    prefix: str
    title: str
    hint: str
    run: Callable[[], None]


def matching(choices: Sequence[Choice], text: str) -> list[Choice]:
    """Choices whose title has all words typed, titles that begin with the text first."""
    kind = text[:1] if text[:1] in ("@", "#", ">") else ""
    wanted = text[len(kind) :].strip().casefold()
    found = [
        choice
        for choice in choices
        if (not kind or choice.prefix == kind)
        and all(word in choice.title.casefold() for word in wanted.split())
    ]
    found.sort(key=lambda choice: not choice.title.casefold().startswith(wanted))
    return found[:MOST_SHOWN]


class ChoiceRow(QStyledItemDelegate):
    """The title, and its hint at the other end of the row."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().paint(painter, option, index)
        painter.setPen(current_theme().color("muted"))
        end = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        side = QStyle.visualAlignment(option.direction, end)
        painter.drawText(option.rect.adjusted(8, 0, -8, 0), side, str(index.data(HINT_ROLE) or ""))


class CommandPalette(QDialog):
    """Opened over the window; runs the choice and closes."""

    def __init__(self, choices: Sequence[Choice], start: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Search or run a command"))
        self._choices = choices
        self._shown: list[Choice] = []
        self.edit = QLineEdit()
        self.edit.setPlaceholderText(self.tr("> command   @ server   # queue ID"))
        self.edit.setAccessibleName(self.tr("Search or run a command"))
        self.edit.installEventFilter(self)
        self.edit.textChanged.connect(self._fill)
        self.edit.returnPressed.connect(self._run)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Choices"))
        self.list.setItemDelegate(ChoiceRow(self.list))
        self.list.itemActivated.connect(self._run)
        self.list.itemClicked.connect(self._run)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.edit)
        column.addWidget(self.list)
        em = self.fontMetrics().averageCharWidth()
        self.resize(72 * em, 22 * self.fontMetrics().height())
        self.edit.setText(start)
        self._fill(start)

    def _fill(self, text: str) -> None:
        self._shown = matching(self._choices, text)
        self.list.clear()
        for choice in self._shown:
            item = QListWidgetItem(choice.title, self.list)
            item.setData(HINT_ROLE, choice.hint)
        if not self._shown:
            item = QListWidgetItem(self.tr("Nothing fits"), self.list)
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        self.list.setCurrentRow(0)

    def _run(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._shown):
            self.accept()
            self._shown[row].run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
            if step:
                last = self.list.count() - 1
                self.list.setCurrentRow(min(max(self.list.currentRow() + step, 0), last))
                return True
        return False
