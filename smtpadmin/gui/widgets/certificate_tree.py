"""A server's certificates as a tree, its own below the authorities that signed it, each with what is
wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from smtpadmin.gui.icons import icon
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.label import tooltip
from smtpadmin.model.smtp import CertificateFacts
from smtpadmin.util.text import visible


class CertificateTree(QTreeWidget):
    """The server's certificate is shown first and open; its issuer beside it, and so on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setColumnCount(2)
        self.setHeaderLabels([self.tr("Certificate"), self.tr("What it says")])
        self.setAccessibleName(self.tr("Certificates of the server"))
        self.setTabKeyNavigation(False)
        self.setRootIsDecorated(True)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.header().setStretchLastSection(True)
        self._chain: Sequence[CertificateFacts] = ()
        current_theme().changed.connect(self._show)

    def show_chain(self, chain: Sequence[CertificateFacts]) -> None:
        """The server's own certificate comes first."""
        self._chain = tuple(chain)
        self._show()

    def _show(self) -> None:
        self.clear()
        for place, one in enumerate(self._chain):
            item = self._item(place, one)
            self.addTopLevelItem(item)
            item.setExpanded(place == 0 or bool(one.problems))
        self.resizeColumnToContents(0)
        self.setColumnWidth(0, min(self.columnWidth(0), 30 * self.fontMetrics().averageCharWidth()))

    def _item(self, place: int, one: CertificateFacts) -> QTreeWidgetItem:
        title = self.tr("Server") if place == 0 else self.tr("Authority {0}").format(place)
        tone, name = ("err", "error") if one.problems else ("ok", "check")
        said = _isolated(visible(one.subject, 200)) or self.tr("unreadable")
        item = QTreeWidgetItem([title, said])
        item.setIcon(0, icon(name, tone))
        item.setToolTip(1, tooltip(visible(one.subject)))
        for problem in one.problems:
            child = QTreeWidgetItem([self.tr("Wrong"), visible(problem, 400)])
            child.setIcon(0, icon("error", "err"))
            child.setToolTip(1, tooltip(visible(problem)))
            for column in (0, 1):
                child.setForeground(column, current_theme().color("err"))
            item.addChild(child)
        for words, value in _facts(one):
            child = QTreeWidgetItem([self.tr(words), _isolated(visible(value, 400))])
            child.setForeground(0, current_theme().color("muted"))
            child.setToolTip(1, tooltip(visible(value)))
            item.addChild(child)
        return item

    def as_text(self) -> str:
        """All of it, indented."""
        lines = []
        for place, one in enumerate(self._chain):
            lines.append(f"{place} {visible(one.subject)}")
            lines += [f"  wrong: {visible(problem)}" for problem in one.problems]
            lines += [f"  {words.lower()}: {visible(value)}" for words, value in _facts(one)]
        return "\n".join(lines)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.as_text())
        else:
            super().keyPressEvent(event)


def _facts(one: CertificateFacts) -> Iterator[tuple[str, str]]:
    yield "Names", ", ".join(one.names) or "none"
    yield "Issuer", one.issuer
    yield "Valid", f"{one.not_before[:10]} to {one.not_after[:10]}"
    yield "Key", f"{one.key}, signed over {one.signature.upper()}"
    yield "SHA-256", one.fingerprint


def _isolated(value: str) -> str:
    """Left to right in every language (UAX 9: left-to-right isolate)."""
    return f"\u2066{value}\u2069" if value else ""
