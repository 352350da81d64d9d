"""A message in four views: header fields, text, structure with what is attached, and as it stands.

The views are plain widgets by name; who shows a message puts them behind tabs of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QPlainTextEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.formats.message_view import file_name, readable, view_message
from smtpadmin.gui.icons import tint
from smtpadmin.gui.time_format import octets
from smtpadmin.model.message_view import MessageView, Part
from smtpadmin.util.tasks import run_blocking
from smtpadmin.util.text import visible, visible_text

VIEWS = ("Headers", "Body", "Structure", "Raw")
MOST_TEXT = 400_000
"""Characters of one view; the rest is said to be cut. A file holds all of it."""


def text_view(name: str) -> QPlainTextEdit:
    """A read-only view of wire text: monospace, never wrapped, left to right in every language."""
    view = QPlainTextEdit()
    view.setReadOnly(True)
    view.setAccessibleName(name)
    view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    view.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    view.setFrameShape(QPlainTextEdit.Shape.NoFrame)
    return view


class StructureView(QWidget):
    """The tree of parts. ``save_wanted`` tells a part's number (empty: the message) and a name."""

    save_wanted = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.tree = QTreeWidget()
        self.tree.setAccessibleName(self.tr("Parts of the message"))
        self.tree.setHeaderLabels([self.tr(t) for t in ("Part", "Type", "Name", "Size", "Remarks")])
        self.tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setStretchLastSection(True)
        self.tree.setTabKeyNavigation(False)
        self.save_part = self._button(self.tr("Save part…"), self._on_save_part)
        self.save_all = self._button(self.tr("Save message (.eml)…"), self._on_save_all)
        self.tree.itemSelectionChanged.connect(self._enable)
        row = QHBoxLayout()
        row.setContentsMargins(8, 4, 8, 4)
        row.addWidget(self.save_part)
        row.addWidget(self.save_all)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tree, 1)
        column.addLayout(row)
        self.clear()

    def _button(self, words: str, on_click: object) -> QPushButton:
        button = QPushButton(words)
        tint(button, "export")
        button.clicked.connect(on_click)
        return button

    def clear(self) -> None:
        """Show nothing."""
        self.tree.clear()
        self.save_all.setEnabled(False)
        self._enable()

    def show_root(self, root: Part) -> None:
        """Show a structure."""
        self.tree.clear()
        self.tree.addTopLevelItem(_item(root))
        self.tree.expandToDepth(6)
        self.save_all.setEnabled(True)
        self._enable()

    def _enable(self) -> None:
        chosen = self.tree.selectedItems()
        self.save_part.setEnabled(bool(chosen) and bool(chosen[0].data(0, _NUMBER)))

    def _on_save_part(self) -> None:
        item = self.tree.selectedItems()[0]
        self.save_wanted.emit(item.data(0, _NUMBER), item.data(0, _NAME))

    def _on_save_all(self) -> None:
        self.save_wanted.emit("", "message.eml")


_NUMBER, _NAME = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


def _item(part: Part) -> QTreeWidgetItem:
    words = [part.number or "message", part.content_type, part.filename,
             octets(part.end - part.start), "; ".join(part.notes)]  # fmt: skip
    item = QTreeWidgetItem([visible(word, 200) for word in words])
    item.setTextAlignment(3, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    item.setData(0, _NUMBER, part.number)
    item.setData(0, _NAME, file_name(part))
    item.addChildren([_item(child) for child in part.parts])
    return item


class MessageViews:
    """The four views of one message at a time. ``widgets`` are by name, in the order of ``VIEWS``;
    ``raw`` is the message shown, empty for none."""

    def __init__(self) -> None:
        self.raw = b""
        self.structure = StructureView()
        self.texts: Mapping[str, QPlainTextEdit] = {
            name: text_view(name) for name in VIEWS if name != "Structure"
        }
        self.widgets: Mapping[str, QWidget] = {
            name: self.texts.get(name) or self.structure for name in VIEWS
        }

    def clear(self) -> None:
        """Show nothing."""
        self.raw = b""
        self.structure.clear()
        for view in self.texts.values():
            view.clear()

    async def show_message(self, raw: bytes) -> None:
        """Take a message apart, aside from the window's thread, and show it; one that is asked for
        meanwhile wins."""
        self.raw = raw
        found = await run_blocking(view_message, raw)
        words = await run_blocking(_words, raw, found)
        if self.raw is raw:
            self.structure.show_root(found.root)
            for name, text in words.items():
                self.texts[name].setPlainText(text)

    async def save(self, number: str, path: Path) -> int:
        """Write the message, or one part of it, to a new file; gives the octets. Raises
        StorageError, UsageError."""
        from smtpadmin.services.save_message import save_message, save_part

        return await (save_part(self.raw, number, path) if number else save_message(self.raw, path))


def _words(raw: bytes, found: MessageView) -> dict[str, str]:
    fields = (  # a tab in a value is the fold of a long field
        f"{visible(h.name)}: {visible(h.value.replace(chr(9), ' '), 4_000)}" for h in found.headers
    )
    return {
        "Headers": _cut("\n".join(fields)),
        "Body": _cut(readable(found.body)),
        "Raw": _cut(visible_text(raw[:MOST_TEXT]), more=len(raw) > MOST_TEXT),
    }


def _cut(text: str, *, more: bool = False) -> str:
    if len(text) <= MOST_TEXT and not more:
        return text
    return f"{text[:MOST_TEXT]}\n… cut here; save the message to have all of it"
