"""Asks for the name of a recipe."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.restyle import set_style_property
from smtpadmin.model.errors import UsageError
from smtpadmin.services.recipes import recipe_path


class NameDialog(QDialog):
    """``name`` holds it; Save only for one that can be a recipe's."""

    def __init__(self, title: str, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.name = QLineEdit()
        self.name.setAccessibleName(self.tr("Name of the recipe"))
        self._problem = Label()
        self._problem.setObjectName("muted")
        self._problem.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.save = buttons.addButton(self.tr("Save"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.save.setObjectName("primary")
        self.save.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        label = Label(self.tr("&Name:"))
        label.setBuddy(self.name)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        for widget in (label, self.name, self._problem, buttons):
            column.addWidget(widget)
        self.setMinimumWidth(50 * self.fontMetrics().averageCharWidth())
        self.name.textChanged.connect(self._check)
        self.name.setText(name)
        self._check()

    def _check(self) -> None:
        words, fits, there = "", True, False
        try:
            there = recipe_path(self.name.text().strip()).exists()
        except UsageError as error:
            words, fits = error.what if self.name.text() else "", False
        if there:
            words = self.tr("It replaces the recipe of that name.")
        self._problem.setText(words or self.tr("Letters, digits, spaces, dots and dashes."))
        set_style_property(self.name, "problem", bool(words) and not fits)
        self.save.setEnabled(fits)
