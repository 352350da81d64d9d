"""Explains a pasted reply while one types."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label
from smtpadmin.model.explanation import Reason
from smtpadmin.services.explain import explain_reply


class ExplainDialog(QDialog):
    """A box for the reply, a banner for its meaning."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Explain a reply"))
        self.edit = QPlainTextEdit()
        self.edit.setAccessibleName(self.tr("Reply"))
        self.edit.setPlaceholderText("452 4.2.2 mailbox full")
        self.edit.setTabChangesFocus(True)
        self.edit.textChanged.connect(self._explain)
        self.banner = Banner(closable=False)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.addWidget(Label(self.tr("Paste an SMTP reply, a status code or a line of a log:")))
        column.addWidget(self.edit)
        column.addWidget(self.banner)
        column.addStretch(1)
        column.addWidget(buttons)
        em = self.fontMetrics().averageCharWidth()
        self.resize(80 * em, 18 * self.fontMetrics().height())

    def _explain(self) -> None:
        text = self.edit.toPlainText().strip()
        if not text:
            self.banner.hide()
            return
        found = explain_reply(text)
        tone = "ok" if found.reason is Reason.DELIVERED else "err" if found.permanent else "warn"
        who = self.tr("Who acts: {0}.").format(found.who_acts)
        self.banner.show_message(tone, found.summary, f"{who} {found.remedy}")
