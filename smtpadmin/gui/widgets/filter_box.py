"""The filter box: validates while one types, says what is wrong, completes, remembers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QPoint, QStringListModel, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QVBoxLayout, QWidget

from smtpadmin.formats.filter_language import FilterError, add_term, complete, parse_filter
from smtpadmin.gui.icons import icon
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.restyle import set_style_property
from smtpadmin.model.filter import Filter, NumberTerm, TextTerm

SETTLE_MS = 120
HISTORY = 30
Values = Callable[[], Mapping[str, Sequence[str]]]


def _no_values() -> Mapping[str, Sequence[str]]:
    return {}


class FilterBox(QWidget):
    """``changed`` tells each valid filter, shortly after the last key."""

    changed = Signal(object)

    def __init__(
        self, hint: str, values: Values = _no_values, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._values = values
        self._history: list[str] = []
        self._start = self._end = 0
        self.edit = _Edit(hint)
        self.edit.setAccessibleName(self.tr("Filter"))
        self.edit.setAccessibleDescription(hint)
        self.edit.addAction(icon("search", "muted"), QLineEdit.ActionPosition.LeadingPosition)
        self.edit.setClearButtonEnabled(True)
        self._problem = Label(parent=self.window())
        self._problem.setObjectName("filterProblem")
        self._problem.setTextFormat(Qt.TextFormat.PlainText)
        self._problem.hide()
        self._suggestions = QStringListModel(self)
        self._completer = QCompleter(self._suggestions, self)
        self._completer.setWidget(self.edit)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.activated.connect(self._on_completed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self._settle)
        self.edit.textEdited.connect(self._on_edited)
        self.edit.textChanged.connect(self._on_text)
        self.edit.returnPressed.connect(self._on_return)
        self.edit.down.connect(self._show_history)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.edit)
        self.setFocusProxy(self.edit)

    @property
    def text(self) -> str:
        """What stands in the box."""
        return self.edit.text()

    @property
    def filter(self) -> Filter:
        """The filter; the empty one while the text is wrong."""
        try:
            return parse_filter(self.edit.text())
        except FilterError:
            return Filter()

    def set_text(self, text: str) -> None:
        """Replace the text; takes effect at once."""
        self.edit.setText(text)
        self._settle()

    def add(self, term: TextTerm | NumberTerm) -> None:
        """Add a term, from a cell or a chip."""
        self.set_text(add_term(self.edit.text(), term))

    def _on_text(self) -> None:
        self._timer.start()

    def _on_edited(self, text: str) -> None:
        found = complete(text, self.edit.cursorPosition(), self._values())
        if not found or not text.strip() or found[0].text == text:
            self._completer.setCompletionPrefix("")
            popup = self._completer.popup()
            if popup is not None:
                popup.hide()
            return
        self._start, self._end = found[0].start, found[0].end
        self._suggestions.setStringList([one.text for one in found[:12]])
        self._completer.complete()

    def _on_completed(self, chosen: str) -> None:
        text = self.edit.text()
        self.edit.setText(text[: self._start] + chosen + text[self._end :])
        self.edit.setCursorPosition(self._start + len(chosen))

    def _settle(self) -> None:
        self._timer.stop()
        try:
            wanted = parse_filter(self.edit.text())
        except FilterError as error:
            self._show_problem(str(error))
            return
        self._show_problem("")
        self.changed.emit(wanted)

    def _show_problem(self, words: str) -> None:
        set_style_property(self.edit, "problem", "true" if words else "false")
        self.edit.setAccessibleDescription(words or self.edit.placeholderText())
        self._problem.setText(words)
        self._problem.setVisible(bool(words))
        if words:
            self._place_problem()

    def _place_problem(self) -> None:
        """Below the box and over what is there: the table must not jump while one types."""
        window = self.window()
        self._problem.setParent(window)
        self._problem.adjustSize()
        below = self.edit.mapTo(window, QPoint(0, self.edit.height() + 2))
        most = window.width() - self._problem.width() - 8
        self._problem.move(max(8, min(below.x(), most)), below.y())
        self._problem.show()
        self._problem.raise_()

    def hideEvent(self, event: QHideEvent) -> None:
        self._problem.hide()
        super().hideEvent(event)

    def _on_return(self) -> None:
        text = self.edit.text().strip()
        if text:
            self._history = [text, *(old for old in self._history if old != text)][:HISTORY]
        self._settle()

    def _show_history(self) -> None:
        if not self._history:
            return
        self._start, self._end = 0, len(self.edit.text())
        self._suggestions.setStringList(self._history)
        self._completer.complete()


class _Edit(QLineEdit):
    """Shows its key at the right end while empty, and tells the Down key."""

    down = Signal()

    def __init__(self, hint: str) -> None:
        super().__init__()
        self.setPlaceholderText(hint)
        self._key = Label("/", self)
        self._key.setObjectName("hint")
        self._key.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.textChanged.connect(self._on_text)

    def _on_text(self, text: str) -> None:
        self._key.setVisible(not text)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        size = self._key.sizeHint()
        self._key.move(self.width() - size.width() - 12, (self.height() - size.height()) // 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.down.emit()
            return
        super().keyPressEvent(event)
