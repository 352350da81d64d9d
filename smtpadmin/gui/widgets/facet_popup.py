"""All values of a column with their counts, to choose from; for destinations with their ages."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.widgets.heat_table import HeatTable
from smtpadmin.gui.widgets.label import Label
from smtpadmin.services.qshape import Shape
from smtpadmin.util.text import visible

MOST = 1_000


class FacetPopup(QFrame):
    """``chosen`` tells a value. Goes away with Esc, a click elsewhere, or a choice."""

    chosen = Signal(str)

    def __init__(
        self,
        title: str,
        items: Sequence[tuple[str, int]],
        shape: Shape | None,
        parent: QWidget,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(title)
        em = self.fontMetrics().averageCharWidth()
        self.narrow = QLineEdit()
        self.narrow.setPlaceholderText(self.tr("Type to narrow the list"))
        self.narrow.setAccessibleName(self.tr("Narrow the list"))
        self.narrow.textChanged.connect(self._on_narrow)
        self.narrow.returnPressed.connect(self._on_return)
        self.list = QListWidget()
        self.list.setAccessibleName(title)
        self.list.setUniformItemSizes(True)
        self.list.itemActivated.connect(self._on_item)
        self.list.itemClicked.connect(self._on_item)
        for value, count in items[:MOST]:
            item = QListWidgetItem(f"{visible(value, 120)}  ({count})")
            item.setData(Qt.ItemDataRole.UserRole, value)
            self.list.addItem(item)
        column = QVBoxLayout(self)
        column.addWidget(_title(title))
        column.addWidget(self.narrow)
        column.addWidget(self.list)
        self.list.setFixedHeight(14 * self.fontMetrics().lineSpacing())
        if len(items) > MOST:
            column.addWidget(Label(self.tr("The first {0} of {1}").format(MOST, len(items))))
        if shape is not None:
            heat = HeatTable()
            heat.show_shape(shape)
            heat.chosen.connect(self._choose)
            column.addWidget(_title(self.tr("Age by destination (minutes)")))
            column.addWidget(heat)
        self.setMinimumWidth((120 if shape is not None else 70) * em)

    def open_at(self, place: QPoint) -> None:
        """Show it there, or as near as the screen allows."""
        self.adjustSize()
        room = self.screen().availableGeometry()
        left = min(place.x(), room.right() - self.width())
        top = min(place.y(), room.bottom() - self.height())
        self.move(max(room.left(), left), max(room.top(), top))
        self.show()
        self.narrow.setFocus()

    def _on_narrow(self, text: str) -> None:
        for number in range(self.list.count()):
            item = self.list.item(number)
            item.setHidden(text.lower() not in item.text().lower())

    def _on_return(self) -> None:
        shown = (self.list.item(n) for n in range(self.list.count()))
        first = next((item for item in shown if not item.isHidden()), None)
        if first is not None:
            self._on_item(first)

    def _on_item(self, item: QListWidgetItem) -> None:
        self._choose(str(item.data(Qt.ItemDataRole.UserRole)))

    def _choose(self, value: str) -> None:
        self.chosen.emit(value)
        self.close()


def _title(words: str) -> Label:
    label = Label(words.upper())
    label.setObjectName("section")
    return label
