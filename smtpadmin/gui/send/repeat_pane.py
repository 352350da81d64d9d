"""Sends what stands in the form again and again: the schedule, the plot, the runs."""

from __future__ import annotations

from datetime import datetime, timedelta

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.formats.spans import seconds_of
from smtpadmin.gui.icons import tint
from smtpadmin.gui.send.form_rows import name_it
from smtpadmin.gui.send.outcome_list import OutcomeList
from smtpadmin.gui.send.repeats import Repeats, Schedule
from smtpadmin.gui.time_format import TIMES, age, seconds
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.outcome_plot import OutcomePlot
from smtpadmin.model.repeat import Run
from smtpadmin.util.text import visible

MOST_LISTED = 200


class RepeatPane(QWidget):
    """``start_wanted`` and ``stop_wanted`` ask the dialog, which has the recipe."""

    start_wanted = Signal()
    stop_wanted = Signal(str)

    def __init__(self, repeats: Repeats) -> None:
        super().__init__()
        self._repeats = repeats
        self._keys: list[str] = []
        self._listed: tuple[str, datetime | None] = ("", None)
        self.every = QComboBox()
        self.every.setEditable(True)
        self.every.addItems(["1m", "5m", "15m", "1h", "1d"])
        self.every.setCurrentText("5m")
        self.start, self.stop = QPushButton(self.tr("S&tart")), QPushButton(self.tr("Sto&p"))
        self.which = QComboBox()
        self.tray = QCheckBox(self.tr("Tell me in the tray when the outcome changes"))
        self.plot = OutcomePlot()
        self.runs = OutcomeList(self.tr("Runs"), MOST_LISTED)
        self.state = Label()
        self._lay_out()
        repeats.changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        name_it(self.every, self.tr("Every"), self.tr("30s, 5m, 2h, 1d"))
        line_edit = self.every.lineEdit()
        if line_edit is not None:
            line_edit.setAccessibleName(self.tr("Every"))
        name_it(self.which, self.tr("Which test"))
        self.state.setObjectName("muted")
        self.state.setWordWrap(True)
        self.tray.setVisible(self._repeats.has_tray())
        self.tray.setChecked(self._repeats.in_tray)
        self.tray.toggled.connect(self._on_tray)
        tint(self.start, "play")
        tint(self.stop, "close")
        self.start.clicked.connect(self.start_wanted.emit)
        self.stop.clicked.connect(self._on_stop)
        self.which.currentIndexChanged.connect(self._show_runs)
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(Label(self.tr("Send what stands at the left every")))
        first.addWidget(self.every)
        first.addWidget(self.start)
        first.addStretch(1)
        second.addWidget(self.which, 1)
        second.addWidget(self.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(8)
        column.addLayout(first)
        column.addWidget(self.tray)
        column.addLayout(second)
        column.addWidget(self.state)
        column.addWidget(self.plot)
        column.addWidget(self.runs, 1)
        column.addStretch(0)

    @property
    def span(self) -> timedelta:
        """What was typed. Raises UsageError."""
        return timedelta(seconds=seconds_of(self.every.currentText(), self.tr("Every")))

    @property
    def schedule(self) -> Schedule | None:
        """The one shown."""
        row = self.which.currentIndex()
        return self._repeats.running.get(self._keys[row]) if 0 <= row < len(self._keys) else None

    def choose(self, key: str) -> None:
        """Show a schedule."""
        self.refresh()
        if key in self._keys:
            self.which.setCurrentIndex(self._keys.index(key))

    def refresh(self) -> None:
        """Show what runs now."""
        keys = list(self._repeats.running)
        if keys != self._keys:
            current = self.schedule
            self._keys = keys
            self.which.blockSignals(True)
            self.which.clear()
            self.which.addItems([self._repeats.running[key].title for key in keys])
            if current is not None and current.key in keys:
                self.which.setCurrentIndex(keys.index(current.key))
            self.which.blockSignals(False)
        self._show_runs()

    def _show_runs(self) -> None:
        schedule = self.schedule
        for widget in (self.which, self.stop, self.plot, self.runs):
            widget.setVisible(schedule is not None)
        if schedule is None:
            self._listed = ("", None)
            words = self.tr("Nothing is repeated. It goes on while smtpadmin runs, dialog or not.")
            self.state.setText(words)
            return
        runs = list(schedule.repeater.runs)
        self.state.setText(self._state(schedule, runs))
        self.plot.show_runs(runs)
        self._list_runs(schedule.key, runs)

    def _state(self, schedule: Schedule, runs: list[Run]) -> str:
        every = self.tr("every {0}").format(age(schedule.every))
        if not schedule.repeater.running:
            every = self.tr("ended")
        return f"{every}; {self.plot.words()}" if not runs else f"{every}; {_summary(runs)}"

    def _list_runs(self, key: str, runs: list[Run]) -> None:
        """Only the new ones, so that nothing jumps."""
        if self._listed[0] != key:
            self.runs.clear()
            self._listed = (key, None)
        last = self._listed[1]
        for run in runs[-MOST_LISTED:]:
            if last is None or run.began > last:
                self._put(run)
        self._listed = (key, runs[-1].began if runs else last)

    def _put(self, run: Run) -> None:
        outcome = run.outcome
        took = seconds(outcome.took_ms / 1000)
        parts = (TIMES.time(run.began), outcome.result, took, outcome.reply)
        words = "  ".join(part for part in parts if part)
        words += self.tr("  (changed)") if run.changed else ""
        self.runs.add(outcome.result, words, visible(outcome.reply), run)

    def _on_stop(self) -> None:
        if self.schedule is not None:
            self.stop_wanted.emit(self.schedule.key)

    def _on_tray(self, wanted: bool) -> None:
        self._repeats.in_tray = wanted


def _summary(runs: list[Run]) -> str:
    well = sum(run.outcome.ok for run in runs)
    return f"{well} of {len(runs)} accepted, last {TIMES.time(runs[-1].began)}"
