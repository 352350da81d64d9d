"""Takes a pasted swaks command; shows while one types what it means and what is left out."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from smtpadmin.formats.swaks_parse import parse_swaks
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import Recipe


class SwaksDialog(QDialog):
    """``recipe`` is what the command says, None while it says nothing."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Paste a swaks command"))
        self.recipe: Recipe | None = None
        self.edit = QPlainTextEdit()
        self.edit.setAccessibleName(self.tr("swaks command"))
        self.edit.setPlaceholderText("swaks --to anna@example.org --server mail.example.org -tls")
        self.edit.setTabChangesFocus(True)
        self.edit.textChanged.connect(self._read)
        self.banner = Banner(closable=False)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go = self.buttons.addButton(
            self.tr("Fill the form"), QDialogButtonBox.ButtonRole.AcceptRole
        )
        self.go.setObjectName("primary")
        self.go.setEnabled(False)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.addWidget(Label(self.tr("A command line of swaks. A password in it is left out.")))
        column.addWidget(self.edit, 1)
        column.addWidget(self.banner)
        column.addWidget(self.buttons)
        em = self.fontMetrics().averageCharWidth()
        self.resize(84 * em, 18 * self.fontMetrics().height())

    def _read(self) -> None:
        self.recipe = None
        text = " ".join(self.edit.toPlainText().replace("\\\n", " ").split("\n")).strip()
        if not text:
            self.banner.hide()
        else:
            self._show(text)
        self.go.setEnabled(self.recipe is not None)

    def _show(self, text: str) -> None:
        try:
            self.recipe, notes = parse_swaks(text)
        except UsageError as error:
            self.banner.show_message("err", error.what, error.remedy)
            return
        if notes:
            title = self.tr("Understood; left out: {0}").format(len(notes))
            self.banner.show_message("warn", title, "\n".join(notes[:6]))
        else:
            self.banner.show_message("ok", self.tr("Understood"))
