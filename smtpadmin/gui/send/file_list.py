"""The files of a message: attachments, pictures inside the HTML, or a whole message as it is."""

from __future__ import annotations

import enum
import functools
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.icons import icon
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.model.recipe import FileRef
from smtpadmin.util.text import visible


class FileRole(enum.Enum):
    """What a file is for."""

    ATTACHMENT = "attachment"
    PICTURE = "picture"
    RAW = "message"


class FileList(QWidget):
    """``add_wanted`` asks for files of a role; ``changed`` after each change."""

    add_wanted = Signal(object)
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._files: list[tuple[FileRole, FileRef]] = []
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Files of the message"))
        self.buttons = {
            FileRole.ATTACHMENT: QPushButton(self.tr("&Attach…")),
            FileRole.PICTURE: QPushButton(self.tr("Pi&cture…")),
            FileRole.RAW: QPushButton(self.tr("&Use .eml…")),
        }
        tips = {
            FileRole.PICTURE: self.tr("Inside the HTML, as cid:FILENAME"),
            FileRole.RAW: self.tr("Send this message as it is"),
        }
        row = QHBoxLayout()
        row.setContentsMargins(0, 4, 0, 0)
        for role, button in self.buttons.items():
            button.setToolTip(tips.get(role, ""))
            button.clicked.connect(functools.partial(self._on_add, role))
            row.addWidget(button)
        row.addStretch(1)
        self.remove = QPushButton(self.tr("Remo&ve"))
        self.remove.clicked.connect(self._on_remove)
        row.addWidget(self.remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list, 1)
        column.addLayout(row)
        self.list.currentRowChanged.connect(self._enable)
        current_theme().changed.connect(self._show)
        self._show()

    @property
    def count(self) -> int:
        """How many files."""
        return len(self._files)

    def fill(self, files: Sequence[tuple[FileRole, FileRef]]) -> None:
        """Show these instead."""
        self._files = list(files)
        self._show()

    def add(self, role: FileRole, files: Sequence[FileRef]) -> None:
        """Add some; there is only one message as it is."""
        if role is FileRole.RAW:
            self._files = [(r, f) for r, f in self._files if r is not role]
            files = files[:1]
        self._files += [(role, one) for one in files if (role, one) not in self._files]
        self._show()
        self.changed.emit()

    def of(self, role: FileRole) -> tuple[FileRef, ...]:
        """The files of one role."""
        return tuple(one for r, one in self._files if r is role)

    def _show(self) -> None:
        self.list.clear()
        for role, one in self._files:
            name = one.name or Path(one.path).name
            item = QListWidgetItem(icon("mail", "muted"), visible(f"{name}  ({role.value})", 200))
            item.setToolTip(tooltip(visible(one.path)))
            self.list.addItem(item)
        self._enable()

    def _enable(self) -> None:
        self.remove.setEnabled(self.list.currentRow() >= 0)

    def _on_add(self, role: FileRole) -> None:
        self.add_wanted.emit(role)

    def _on_remove(self) -> None:
        del self._files[self.list.currentRow()]
        self._show()
        self.changed.emit()
