"""Asks before messages leave the queue: what exactly, with a sample, the commands and copies."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.time_format import TIMES, octets
from smtpadmin.gui.widgets.label import Label
from smtpadmin.model.queue import QueueAction
from smtpadmin.services.action_preview import ActionPreview
from smtpadmin.util.text import visible

_VERBS = {QueueAction.DELETE: "Delete", QueueAction.BOUNCE: "Bounce"}


class ConfirmAction(QDialog):
    """Accepted only by the button that names the action; Cancel is the default."""

    def __init__(self, preview: ActionPreview, parent: QWidget) -> None:
        super().__init__(parent)
        self._preview = preview
        verb = self.tr(_VERBS.get(preview.action, preview.action.value.capitalize()))
        noun = (
            self.tr("1 message")
            if preview.count == 1
            else self.tr("{0} messages").format(preview.count)
        )
        self.setWindowTitle(f"{verb} {noun}")
        self.typed = QLineEdit()
        self.typed.setAccessibleName(self.tr("Server name"))
        self.typed.textChanged.connect(self._on_typed)
        self.copies = QCheckBox(self.tr("Keep copies (.eml), so that this can be undone"))
        self.copies.setChecked(preview.keeps_copies)
        self.copies.setEnabled(preview.keeps_copies)
        self.go = QPushButton(f"{verb} {noun}")
        self.go.setObjectName("dangerPrimary")
        self.go.setAutoDefault(False)
        self._lay_out(verb, noun)
        self._on_typed("")

    def _lay_out(self, verb: str, noun: str) -> None:
        preview = self._preview
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(10)
        title = Label(self.tr("{0} {1} from {2}?").format(verb, noun, visible(preview.server)))
        title.setObjectName("subtitle")
        column.addWidget(title)
        if preview.sends_bounce:
            words = self.tr("Each sender is told by a bounce that the message was not delivered.")
        else:
            words = self.tr("Nobody is told: the senders get no bounce.")
        column.addWidget(Label(words))
        column.addLayout(self._facts())
        column.addWidget(self._commands())
        column.addWidget(self.copies)
        if preview.needs_typed_name:
            column.addWidget(Label(self.tr("Type {0} to go on:").format(preview.typed_name)))
            column.addWidget(self.typed)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.go, QDialogButtonBox.ButtonRole.AcceptRole)
        cancel = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setDefault(True)
        cancel.setFocus()
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.setMinimumWidth(60 * self.fontMetrics().averageCharWidth())

    def _facts(self) -> QGridLayout:
        preview = self._preview
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        domains = ", ".join(f"{d} ({n})" for d, n in preview.destinations[:5])
        if len(preview.destinations) > 5:
            domains += self.tr(" and {0} more").format(len(preview.destinations) - 5)
        rows = [
            (self.tr("Destinations"), domains or self.tr("none")),
            (self.tr("Oldest"), TIMES.time(preview.oldest) or self.tr("unknown")),
            (self.tr("Size"), octets(preview.size)),
        ]
        for entry in preview.sample:
            to = entry.recipients[0].address if entry.recipients else ""
            rows.append(("", f"{entry.queue_id}  {entry.sender or '<>'} → {to}"))
        for number, (name, value) in enumerate(rows):
            label = Label(name)
            label.setObjectName("muted")
            grid.addWidget(label, number, 0)
            text = Label(visible(value, 120))
            text.setWordWrap(True)
            grid.addWidget(text, number, 1)
        grid.setColumnStretch(1, 1)
        return grid

    def _commands(self) -> QWidget:
        box = QPlainTextEdit("\n".join(self._preview.commands))
        box.setReadOnly(True)
        box.setAccessibleName(self.tr("What will be sent"))
        box.setFixedHeight(3 * self.fontMetrics().lineSpacing() + 10)
        return box

    def _on_typed(self, text: str) -> None:
        wanted = self._preview.typed_name
        self.go.setEnabled(not wanted or text.strip().casefold() == wanted.casefold())
