"""The live transcript with search, copy and save. Lines come in bursts: they are shown 20 times a
second at most, so that a server that floods us cannot stop the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from smtpadmin.gui.icons import tint
from smtpadmin.gui.send.form_rows import name_it
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.transcript_view import TranscriptView
from smtpadmin.model.smtp import TranscriptLine

SHOW_EVERY_MS = 50
FILTERS = ("Text (*.txt)", "JSON (*.json)", "HTML (*.html)")


class _SearchEdit(QLineEdit):
    """Enter is the next one, Shift+Enter the one before; Esc leaves."""

    def __init__(self, step: Callable[[int], None], leave: Callable[[], None]) -> None:
        super().__init__()
        self._step, self._leave = step, leave

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._step(-1 if back else 1)
        elif event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            super().keyPressEvent(event)


class TranscriptPane(QWidget):
    """``add`` while a session runs, ``show_lines`` for one that is over."""

    def __init__(self) -> None:
        super().__init__()
        self.view = TranscriptView()
        self._new: list[TranscriptLine] = []
        self._matches: list[int] = []
        self._at = -1
        self._timer = QTimer(self)
        self._timer.setInterval(SHOW_EVERY_MS)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.flush)
        self.search = _SearchEdit(self.step, self.leave_search)
        self.found = Label()
        self.copy, self.save = QPushButton(self.tr("Cop&y")), QPushButton(self.tr("Sa&ve…"))
        self._bar = self._search_bar()
        self._lay_out()

    def _search_bar(self) -> QWidget:
        bar = QWidget()
        name_it(self.search, self.tr("Search in the transcript"))
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.textChanged.connect(self._on_search)
        row = QHBoxLayout(bar)
        row.setContentsMargins(8, 0, 8, 6)
        row.addWidget(self.search, 1)
        self.found.setObjectName("muted")
        row.addWidget(self.found)
        for icon, step, name in (
            ("chevron-up", -1, self.tr("The one before")),
            ("chevron-down", 1, self.tr("The next one")),
        ):
            button = QPushButton()
            button.setObjectName("flat")
            tint(button, icon)
            name_it(button, name)
            button.clicked.connect(lambda _=False, by=step: self.step(by))
            row.addWidget(button)
        bar.hide()
        return bar

    def _lay_out(self) -> None:
        tint(self.copy, "copy")
        tint(self.save, "export")
        self.copy.setToolTip(self.tr("The whole transcript as text"))
        self.save.setToolTip(self.tr("As text, JSON or HTML"))
        self.copy.clicked.connect(self.copy_all)
        find = QPushButton(self.tr("Searc&h"))
        tint(find, "search")
        find.setToolTip(self.tr("Ctrl+F"))
        find.clicked.connect(self.open_search)
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self.open_search)
        row = QHBoxLayout()
        row.setContentsMargins(8, 6, 8, 8)
        row.setSpacing(8)
        for button in (find, self.copy, self.save):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        column.addWidget(self.view, 1)
        column.addLayout(row)

    # Lines.

    def clear(self) -> None:
        """For a new session."""
        self.show_lines(())

    def show_lines(self, lines: Sequence[TranscriptLine]) -> None:
        """Show these instead."""
        self._new = []
        self.view.lines.set_lines(lines)
        self._on_search(self.search.text())

    def add(self, line: TranscriptLine) -> None:
        """One more; shown soon."""
        self._new.append(line)
        if not self._timer.isActive():
            self._timer.start()

    def flush(self) -> None:
        """Show what has come. Who has scrolled up is left there."""
        at_end = self.view.is_at_end
        new, self._new = self._new, []
        self.view.lines.append(new)
        if at_end:
            self.view.scrollToBottom()
        if self._bar.isVisible() and self.search.text():
            self._matches = self.view.search(self.search.text())
            self._tell()

    def copy_all(self) -> None:
        """The whole transcript as text."""
        self.flush()
        QGuiApplication.clipboard().setText(self.view.text())

    # Search.

    def open_search(self) -> None:
        """Show the search and put the cursor there."""
        self._bar.show()
        self.search.setFocus()
        self.search.selectAll()
        self._on_search(self.search.text())

    def leave_search(self) -> None:
        """Hide it; nothing is marked any more."""
        self._bar.hide()
        self.view.search("")
        self.view.setFocus()

    def _on_search(self, text: str) -> None:
        self._matches = self.view.search(text if self._bar.isVisibleTo(self) else "")
        self._at = -1
        if self._matches:
            self.step(1)
        self._tell()

    def step(self, by: int) -> None:
        """Go to the next match, or back; round and round."""
        if self._matches:
            self._at = (self._at + by) % len(self._matches)
            self.view.show_row(self._matches[self._at])
        self._tell()

    def _tell(self) -> None:
        words = ""
        if self.search.text():
            words = self.tr("no match")
            if self._matches:
                words = self.tr("{0} of {1}").format(max(self._at, 0) + 1, len(self._matches))
        self.found.setText(words)
