"""About: version, licences, where secrets are kept."""

from __future__ import annotations

import platform

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from smtpadmin import __version__
from smtpadmin.gui.widgets.label import Label


class About(QDialog):
    """A few lines of facts."""

    def __init__(self, secrets: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About smtpadmin"))
        title = Label(f"smtpadmin {__version__}")
        title.setObjectName("title")
        lines = (
            self.tr("A desktop console for the people who run mail servers."),
            self.tr("Secrets: {0}").format(secrets),
            f"Python {platform.python_version()}, Qt {qVersion()}, {platform.system()}",
            self.tr("MIT licence. Qt and PySide6 are used under the LGPL-3."),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.addWidget(title)
        for line in lines:
            column.addWidget(Label(line))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
