"""The protocol options, made from :mod:`smtpadmin.gui.send.advanced_options`; and where to stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from smtpadmin.gui.send.advanced_options import GROUPS, Option
from smtpadmin.gui.send.form_rows import Choice, add_row, heading, name_it, new_form, number_in
from smtpadmin.gui.widgets.label import Label
from smtpadmin.model.smtp_plan import SendPlan, Stop, StopHow, StopPoint

Editor = QLineEdit | QCheckBox | Choice[Any]
_WIDE = 19
"""Letters of the longest label."""
MOST_NUMBER = 1024 * 1024 * 1024


class AdvancedForm(QWidget):
    """``apply`` puts what was chosen into a plan, ``fill`` shows a plan."""

    def __init__(self) -> None:
        super().__init__()
        self.editors: dict[tuple[str, str], Editor] = {}
        self.stop_at: Choice[StopPoint | None] = Choice(
            ((None, self.tr("to the end")), *((p, f"after {p.value}") for p in StopPoint))
        )
        self.stop_how: Choice[StopHow] = Choice(
            (
                (StopHow.QUIT, "QUIT"),
                (StopHow.DROP, self.tr("drop")),
                (StopHow.DROP_AFTER_SEND, self.tr("drop before the reply")),
            )
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for title, options in GROUPS:
            title_label = Label(self.tr(title))
            title_label.setObjectName("section")
            column.addWidget(title_label)
            form = new_form()
            for option in options:
                self._add(form, option)
            if title == GROUPS[0][0]:
                form.addRow(heading(self.tr("Goes:"), _WIDE), self._stop_row())
            column.addLayout(form)

    def _add(self, form: Any, option: Option) -> None:
        made = _editor(option)
        self.editors[option.part, option.field] = made
        name, tip = self.tr(option.title), self.tr(option.help) if option.help else ""
        if isinstance(made, QCheckBox):
            made.setText(name)
            name_it(made, name, tip)
            form.addRow(heading("", _WIDE), made)
            return
        if isinstance(made, QLineEdit):
            made.setPlaceholderText(tip)
        add_row(form, f"{name}:", made, name, tip, _WIDE)

    def _stop_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        name_it(self.stop_at, self.tr("Where the session ends"))
        name_it(self.stop_how, self.tr("How the session ends"))
        self.stop_at.currentIndexChanged.connect(
            lambda: self.stop_how.setEnabled(self.stop_at.value is not None)
        )
        self.stop_how.setEnabled(False)
        row.addWidget(self.stop_at)
        row.addWidget(self.stop_how)
        return row

    def fill(self, plan: SendPlan) -> None:
        """Show it."""
        for (part, field), editor in self.editors.items():
            _show(editor, getattr(getattr(plan, part) if part else plan, field))
        self.stop_at.choose(plan.stop.at if plan.stop else None)
        self.stop_how.choose(plan.stop.how if plan.stop else StopHow.QUIT)

    def apply(self, plan: SendPlan) -> SendPlan:
        """The plan with what was chosen. Raises UsageError."""
        for _, options in GROUPS:
            for option in options:
                value = _read(self.editors[option.part, option.field], option)
                if option.part:
                    part = replace(getattr(plan, option.part), **{option.field: value})
                    plan = replace(plan, **{option.part: part})
                else:
                    plan = replace(plan, **{option.field: value})
        at = self.stop_at.value
        return replace(plan, stop=Stop(at, self.stop_how.value) if at is not None else None)

    def changed_from(self, usual: SendPlan) -> int:
        """How many options differ from the usual ones."""
        count = int(self.stop_at.value is not None)
        for (part, field), editor in self.editors.items():
            value = getattr(getattr(usual, part) if part else usual, field)
            count += _shown(editor) != _as_shown(editor, value)
        return count


def _editor(option: Option) -> Editor:
    if option.kind == "choice":
        return Choice(option.choices)
    return QCheckBox() if option.kind == "check" else QLineEdit()


def _show(editor: Editor, value: Any) -> None:
    if isinstance(editor, Choice):
        editor.choose(value)
    elif isinstance(editor, QCheckBox):
        editor.setChecked(value)
    else:
        editor.setText(_as_shown(editor, value))


def _as_shown(editor: Editor, value: Any) -> Any:
    if not isinstance(editor, QLineEdit):
        return value
    if isinstance(value, tuple):
        return "; ".join(value)
    return str(value) if value else ""


def _shown(editor: Editor) -> Any:
    if isinstance(editor, Choice):
        return editor.value
    return editor.isChecked() if isinstance(editor, QCheckBox) else editor.text().strip()


def _read(editor: Editor, option: Option) -> Any:
    value = _shown(editor)
    if option.kind == "number":
        return number_in(value, option.title, MOST_NUMBER)
    if option.kind == "words":
        return tuple(part.strip() for part in value.split(";") if part.strip())
    if option.field == "fingerprint":
        return value.replace(":", "").replace(" ", "").lower()
    return value
