"""Rows of a form: label, access key, accessible name and tooltip in one call; choices with values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from PySide6.QtWidgets import QComboBox, QFormLayout, QPlainTextEdit, QSizePolicy, QWidget

from smtpadmin.gui.widgets.label import Label, tooltip
from smtpadmin.model.errors import UsageError

T = TypeVar("T")


def new_form() -> QFormLayout:
    """An empty form whose fields take the whole width."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(12)
    form.setVerticalSpacing(6)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    return form


def add_row(
    form: QFormLayout, title: str, widget: QWidget, name: str, tip: str = "", wide: int = 12
) -> None:
    """``title`` may hold an access key; ``name`` is what a screen reader says; ``wide`` are the
    letters that a label has room for, so that forms below each other stand in one line."""
    label = heading(title, wide)
    label.setBuddy(widget)
    name_it(widget, name, tip)
    form.addRow(label, widget)


def heading(title: str, wide: int = 12) -> Label:
    """The label of a row."""
    label = Label(title)
    label.setMinimumWidth(wide * label.fontMetrics().averageCharWidth())
    return label


def name_it(widget: QWidget, name: str, tip: str = "") -> None:
    """Accessible name and tooltip."""
    widget.setAccessibleName(name)
    widget.setToolTip(tooltip(tip or name))


def editor(placeholder: str = "") -> QPlainTextEdit:
    """A box for several lines; Tab leaves it."""
    box = QPlainTextEdit()
    box.setTabChangesFocus(True)
    box.setPlaceholderText(placeholder)
    return box


class Choice(QComboBox, Generic[T]):
    """A combo box whose items have values of any type; what it is given and does not know is added."""

    def __init__(self, choices: Sequence[tuple[T, str]]) -> None:
        super().__init__()
        self._values = [value for value, _ in choices]
        self.addItems([words for _, words in choices])
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)

    @property
    def value(self) -> T:
        """The chosen one."""
        return self._values[self.currentIndex()]

    def choose(self, value: T) -> None:
        """Choose a value."""
        if value not in self._values:
            self._values.append(value)
            self.addItem(str(value))
        self.setCurrentIndex(self._values.index(value))


def number_in(text: str, where: str, most: int) -> int:
    """A whole number, 0 for nothing typed. Raises UsageError."""
    text = text.strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 12 and int(text) <= most):
        raise UsageError(f"{text[:40]!r} is no number up to {most}", where=where)
    return int(text)
