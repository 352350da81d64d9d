"""Asks before a profile is forgotten."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPushButton, QVBoxLayout, QWidget

from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.workspace import CATCH
from smtpadmin.model.profile import Profile
from smtpadmin.util.text import visible


class RemoveServer(QDialog):
    """Cancel is the default; the button names the action."""

    def __init__(self, profile: Profile, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Remove server"))
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        title = Label(self.tr("Remove {0}?").format(visible(profile.name, 80)))
        title.setObjectName("subtitle")
        words = Label(self._words(profile))
        words.setWordWrap(True)
        of_session = profile.kind == CATCH
        self.go = QPushButton(
            self.tr("Stop and remove") if of_session else self.tr("Remove profile")
        )
        self.go.setObjectName("dangerPrimary")
        self.go.setAutoDefault(False)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.go, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.button(QDialogButtonBox.StandardButton.Cancel).setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        for widget in (title, words, buttons):
            column.addWidget(widget)
        self.setMinimumWidth(50 * self.fontMetrics().averageCharWidth())

    def _words(self, profile: Profile) -> str:
        if profile.kind == CATCH:
            return self.tr("It is stopped, and everything that it has caught is forgotten.")
        return self.tr(
            "Its profile and its password are taken out of the keyring. Nothing happens on the "
            "server itself."
        )
