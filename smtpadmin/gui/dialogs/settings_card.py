"""The copyable card of settings for a third-party form."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QVBoxLayout, QWidget

from smtpadmin.connectors.api import Submission, ability
from smtpadmin.formats.settings_card import settings_rows, settings_text
from smtpadmin.gui.widgets.label import Label


class SettingsCard(QDialog):
    """Host, port, user and TLS of a server, as web forms and printers ask for them."""

    def __init__(self, connector: object, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Settings for a third-party form"))
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        submission = ability(connector, Submission)
        endpoints = submission.submission_endpoints() if submission is not None else ()
        self._text = settings_text(endpoints[0]) if endpoints else ""
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        if endpoints:
            form = QFormLayout()
            form.setHorizontalSpacing(20)
            for name, value in settings_rows(endpoints[0]):
                shown = Label(value)
                shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                form.addRow(Label(f"{name}:"), shown)
            column.addLayout(form)
            copy = buttons.addButton(self.tr("Copy"), QDialogButtonBox.ButtonRole.ActionRole)
            copy.clicked.connect(self._copy)
        else:
            column.addWidget(Label(self.tr("This server takes no mail by SMTP from here.")))
        column.addWidget(buttons)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)
