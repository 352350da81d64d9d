"""A message's journey: a dot with a word for each step, when, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from smtpadmin.formats.reason_text import short_host, short_reason
from smtpadmin.gui.icons import pixmap
from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.time_format import TIMES, seconds
from smtpadmin.gui.widgets.elided_label import ElidedLabel
from smtpadmin.gui.widgets.label import Label
from smtpadmin.services.journey import JourneyStep, StepKind, StepState
from smtpadmin.util.text import visible

MOST_STEPS = 60
_ICONS = {
    StepState.DONE: ("check", "ok"),
    StepState.FAILED: ("error", "err"),
    StepState.WAITING: ("clock", "warn"),
    StepState.PENDING: ("dot", "faint"),
}


class JourneyView(QWidget):
    """Rows of icon, name, detail and time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps: tuple[JourneyStep, ...] = ()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(2, 1)
        current_theme().changed.connect(self._fill)
        TIMES.changed.connect(self._fill)

    def show_steps(self, steps: Sequence[JourneyStep]) -> None:
        """Show these; the same steps again change nothing."""
        if tuple(steps) != self._steps:
            self._steps = tuple(steps)
            self._fill()

    def _fill(self) -> None:
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = item.widget() if item else None
            if widget is not None:
                widget.deleteLater()
        for row, step in enumerate(self._steps[:MOST_STEPS]):
            self._add(row, step)
        if len(self._steps) > MOST_STEPS:
            note = self.tr("… {0} more steps").format(len(self._steps) - MOST_STEPS)
            self._grid.addWidget(Label(note), MOST_STEPS, 1, 1, 3)

    def _add(self, row: int, step: JourneyStep) -> None:
        name, tone = _ICONS[step.state]
        picture = Label()
        picture.setPixmap(pixmap(name, tone, 14, self.devicePixelRatioF()))
        picture.setToolTip(self.tr(step.state.value))
        title = Label(self._title(step))
        font = title.font()
        font.setBold(True)
        title.setFont(font)
        detail = ElidedLabel(visible(self._detail(step), 500))
        detail.setObjectName("muted")
        when = Label(self._when(step))
        when.setObjectName("muted")
        when.setToolTip(TIMES.full(step.time))
        when.setAlignment(Qt.AlignmentFlag.AlignRight)
        for column, widget in enumerate((picture, title, detail, when)):
            self._grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignTop)

    def _title(self, step: JourneyStep) -> str:
        if step.kind is StepKind.SUBMITTED:
            return self.tr("Submitted") if step.state is StepState.DONE else self.tr("Refused")
        if step.kind is StepKind.QUEUED:
            return self.tr("Queued")
        if step.kind is StepKind.NOTIFICATION:
            return self.tr("Sender told")
        if step.kind is StepKind.ATTEMPT:
            return self.tr("Try {0}").format(step.tries) if step.tries else self.tr("Last try")
        if step.state is StepState.PENDING:
            return self.tr("Delivered")
        return self.tr(str(step.status or "").capitalize())

    def _detail(self, step: JourneyStep) -> str:
        if step.kind is StepKind.SUBMITTED:
            parts = [self.tr("from {0}").format(step.where)] if step.where else []
            return " ".join(
                parts + ([self.tr("as {0}").format(step.detail)] if step.detail else [])
            )
        if step.kind is StepKind.QUEUED:
            kind = step.detail if step.detail not in (None, "accepted") else ""
            return " ".join(filter(None, (self.tr("as {0}").format(step.where), kind)))
        if step.kind is StepKind.NOTIFICATION:
            return self.tr("by {0}").format(step.where)
        to = step.recipient or ""
        if step.kind is StepKind.END and step.state is StepState.PENDING:
            return self.tr("{0}: not yet").format(to)
        said = short_reason(step.detail or "")
        if step.where and step.state is StepState.DONE:
            said = f"{short_host(step.where)}, {said}" if said else short_host(step.where)
        return f"{to}: {said}" if said else to

    def _when(self, step: JourneyStep) -> str:
        if step.next_try is not None:
            return self.tr("next {0}").format(TIMES.time(step.next_try))
        if step.delay is not None and step.kind is not StepKind.QUEUED:
            return f"{TIMES.time(step.time)}  +{seconds(step.delay)}"
        return TIMES.time(step.time)
