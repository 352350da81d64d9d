"""The way of a followed message as one growing picture: each step with its reason, then what the
mailbox has: hops with their delays, authentication, changes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from smtpadmin.formats.follow_words import Words, arrival_groups, step_words
from smtpadmin.gui.icons import icon
from smtpadmin.gui.status_words import delivery_tone
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.time_format import TIMES
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.model.follow import ArrivalReport, FollowStep, StepKind
from smtpadmin.util.text import visible

_ICONS = {
    StepKind.ACCEPTED: "check",
    StepKind.FOUND: "eye",
    StepKind.NOTIFICATION: "bounce",
    StepKind.NOT_ASKED: "warning",
    StepKind.ARRIVED: "mail",
    StepKind.NOT_ARRIVED: "clock",
}
Index = QModelIndex | QPersistentModelIndex
_ICON_ROOM = 30
_TONE_ICONS = {"ok": "check", "info": "info", "warn": "warning", "err": "error"}


class _WrapDelegate(QStyledItemDelegate):
    """Rows as high as the text of the first column needs at its width."""

    def __init__(self, tree: QTreeWidget) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        size = super().sizeHint(option, index)
        tree = self._tree
        if index.column():
            return QSize(size.width(), tree.fontMetrics().height() + 6)
        depth, parent = 1, index.parent()
        while parent.isValid():
            depth, parent = depth + 1, parent.parent()
        room = tree.columnWidth(0) - depth * tree.indentation() - _ICON_ROOM
        text = str(index.data())
        flags = int(Qt.TextFlag.TextWordWrap)
        bound = tree.fontMetrics().boundingRect(QRect(0, 0, max(room, 60), 10_000), flags, text)
        return QSize(size.width(), bound.height() + 6)


class FollowTree(QTreeWidget):
    """``add`` for each step, ``show_arrival`` at the end."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        titles = ("What happened", "Where", "When")
        self.setHeaderLabels([self.tr(title) for title in titles])
        self.setAccessibleName(self.tr("The way of the message"))
        self.setTabKeyNavigation(False)
        self.setWordWrap(True)
        header, em = self.header(), self.fontMetrics().averageCharWidth()
        self.setItemDelegate(_WrapDelegate(self))
        header.sectionResized.connect(self.scheduleDelayedItemsLayout)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setColumnWidth(1, 26 * em)
        self.setColumnWidth(2, 12 * em)
        self._steps: list[FollowStep] = []
        self._arrival: ArrivalReport | None = None
        current_theme().changed.connect(self._show_again)
        TIMES.changed.connect(self._show_again)

    def start(self) -> None:
        """Forget the last one."""
        self._steps, self._arrival = [], None
        self.clear()

    def show_all(self, steps: Sequence[FollowStep], arrival: ArrivalReport | None) -> None:
        """Show these instead."""
        self._steps, self._arrival = list(steps), arrival
        self._show_again()

    def add(self, step: FollowStep) -> None:
        """One more step."""
        self._steps.append(step)
        self._add_step(step)
        self.scrollToBottom()

    def show_arrival(self, arrival: ArrivalReport) -> None:
        """What the mailbox has."""
        self._arrival = arrival
        self._add_arrival(arrival)

    def _show_again(self) -> None:
        self.clear()
        for step in self._steps:
            self._add_step(step)
        if self._arrival is not None:
            self._add_arrival(self._arrival)

    def _add_step(self, step: FollowStep) -> None:
        found = step_words(step)
        name = _ICONS.get(step.kind) or delivery_tone(step.status.value if step.status else "")[1]
        if step.queue_id and step.queue_id not in found.detail:
            detail = ", ".join(filter(None, (found.detail, visible(step.queue_id, 80))))
            found = found._replace(detail=detail)
        item = _item(found, visible(step.server, 200), TIMES.time(step.time), name)
        item.setToolTip(2, TIMES.full(step.time))
        self.addTopLevelItem(item)
        if step.next_try is not None:
            words = Words("warn", self.tr("Next try"), TIMES.full(step.next_try).split("\n", 1)[0])
            item.addChild(_item(words, "", TIMES.time(step.next_try), "clock"))
        if step.explanation is not None:
            why = step.explanation
            who = self.tr("Who acts: {0}.").format(why.who_acts)
            item.addChild(_item(Words("info", why.summary, f"{who} {why.remedy}"), "", "", "info"))
        item.setExpanded(True)

    def _add_arrival(self, arrival: ArrivalReport) -> None:
        for title, lines in arrival_groups(arrival):
            group = QTreeWidgetItem([self.tr(title)])
            font = self.font()
            font.setWeight(font.Weight.DemiBold)
            group.setFont(0, font)
            self.addTopLevelItem(group)
            group.setFirstColumnSpanned(True)
            for name, words in lines:
                named = words._replace(title=f"{name}: {words.title}") if name else words
                group.addChild(_item(named, "", "", _TONE_ICONS[words.tone]))
            group.setExpanded(True)
        self.scrollToBottom()


def _item(words: Words, where: str, when: str, name: str) -> QTreeWidgetItem:
    item = QTreeWidgetItem(["\n".join(filter(None, (words.title, words.detail))), where, when])
    item.setIcon(0, icon(name, words.tone))
    if words.tone in ("warn", "err"):
        item.setForeground(0, current_theme().color(words.tone))
    item.setForeground(2, current_theme().color("muted"))
    item.setToolTip(0, tooltip(words.detail or words.title))
    item.setToolTip(1, tooltip(where))
    for column in (1, 2):
        item.setTextAlignment(column, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
    return item
