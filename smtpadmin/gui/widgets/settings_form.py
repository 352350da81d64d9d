"""A form made from a connector's declared settings; the wizard and the editor use it alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from smtpadmin.connectors.api import FieldType, SettingField
from smtpadmin.gui.widgets.label import Label
from smtpadmin.model.errors import UsageError

Editor = QLineEdit | QComboBox | QSpinBox


class SettingsForm(QWidget):
    """One row for each field; ``values`` gives what was typed. ``first``: rows of the caller's own,
    above, in the same columns."""

    def __init__(
        self,
        fields: Sequence[SettingField],
        values: Mapping[str, str],
        first: Sequence[tuple[str, QWidget]] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._fields = tuple(fields)
        self.editors: dict[str, Editor] = {}
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(16)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for words, widget in first:
            form.addRow(words, widget)
        for field in self._fields:
            editor = self._editor(field, values.get(field.name, field.default))
            editor.setAccessibleName(field.label)
            self.editors[field.name] = editor
            label = Label(f"{field.label}{' *' if field.required else ''}:")
            label.setBuddy(editor)
            form.addRow(label, editor)

    def _editor(self, field: SettingField, value: str) -> Editor:
        if field.type is FieldType.CHOICE:
            combo = QComboBox()
            combo.addItems(list(field.choices))
            combo.setCurrentText(value or field.default)
            combo.setToolTip(field.help)
            return combo
        if field.type is FieldType.PORT:
            spin = QSpinBox()
            spin.setRange(0, 65535)
            spin.setSpecialValueText(self.tr("default"))
            spin.setValue(int(value) if value.isdecimal() else 0)
            spin.setToolTip(field.help)
            return spin
        line = QLineEdit(value)
        line.setPlaceholderText(field.help)
        line.setToolTip(field.help)
        if field.secret:
            line.setEchoMode(QLineEdit.EchoMode.Password)
        return line

    def values(self) -> dict[str, str]:
        """What was typed, by field name; empty ones are left out."""
        found = {name: _value(editor) for name, editor in self.editors.items()}
        return {name: value for name, value in found.items() if value}

    def check(self) -> None:
        """Raise UsageError for the first required field that is empty, and focus it."""
        values = self.values()
        for field in self._fields:
            if field.required and field.name not in values:
                self.editors[field.name].setFocus()
                raise UsageError(f"{field.label} is needed", remedy=field.help)


def _value(editor: Editor) -> str:
    if isinstance(editor, QComboBox):
        return editor.currentText()
    if isinstance(editor, QSpinBox):
        return str(editor.value()) if editor.value() else ""
    return editor.text().strip()
