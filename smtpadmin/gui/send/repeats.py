"""Tests that are sent again and again while the window runs; they outlive the dialog that began them.

When an outcome changes, ``noticed`` says so in a sentence, and the system's tray where there is one and
the user asked for it.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QSystemTrayIcon

from smtpadmin.gui.icons import icon
from smtpadmin.model.recipe import Recipe
from smtpadmin.model.repeat import Outcome, Run, outcome_of
from smtpadmin.services.recipes import recipe_as_json
from smtpadmin.services.repeat import Repeater
from smtpadmin.services.send_test import TestSender
from smtpadmin.settings import paths
from smtpadmin.settings.run_history import RunHistory
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    from smtpadmin.transport.smtp_run import Secrets


class Schedule(QObject):
    """One recipe and its runs. ``ran`` after each, ``differs`` when the outcome is another one,
    ``over`` when nothing more comes."""

    ran = Signal(object)
    differs = Signal(object)
    over = Signal()

    def __init__(self, recipe: Recipe, secrets: Secrets, every: timedelta) -> None:
        super().__init__()
        self.recipe, self.every = recipe, every
        self.key = hashlib.sha256(recipe_as_json(recipe)).hexdigest()[:16]
        self._secrets = secrets
        self._sender = TestSender(paths.state_dir() / "sent.jsonl")
        self.repeater = Repeater(self._send, every, history=_history(self.key))
        self.repeater.ran.connect(self._on_ran)
        self.repeater.changed.connect(self._on_changed)
        self.repeater.ended.connect(self._on_ended)

    @property
    def title(self) -> str:
        """To whom, by which server."""
        target = self.recipe.plan.target
        where = target.host or target.socket_path or f"MX of {target.mx_of}"
        return visible(f"{', '.join(self.recipe.letter.to)} by {where}", 120)

    async def _send(self) -> Outcome:
        result, _ = await self._sender.send_recipe(self.recipe, self._secrets)
        return outcome_of(result)

    def _on_ran(self, run: Run) -> None:
        self.ran.emit(run)

    def _on_changed(self, run: Run, last: Run | None) -> None:
        self.differs.emit(run)

    def _on_ended(self, error: BaseException | None) -> None:
        self.over.emit()


class Repeats(QObject):
    """``running`` are the schedules by key; ``changed`` when one begins, runs or ends; ``noticed`` is a
    sentence for people."""

    changed = Signal()
    noticed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.running: dict[str, Schedule] = {}
        self.in_tray = False
        self._tray: QSystemTrayIcon | None = None

    @staticmethod
    def has_tray() -> bool:
        """Whether this desktop has a tray at all."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    async def start(self, recipe: Recipe, secrets: Secrets, every: timedelta) -> Schedule:
        """Begin; one of the same recipe is ended. Raises UsageError for an impossible schedule."""
        schedule = Schedule(recipe, secrets, every)
        await self.stop(schedule.key)
        self.running[schedule.key] = schedule
        schedule.ran.connect(self._on_news)
        schedule.over.connect(self._on_news)
        schedule.differs.connect(lambda run: self._tell(schedule, run))
        await schedule.repeater.start()
        self.changed.emit()
        return schedule

    async def stop(self, key: str) -> None:
        """End one."""
        schedule = self.running.pop(key, None)
        if schedule is not None:
            await schedule.repeater.stop()
            self.changed.emit()

    async def close(self) -> None:
        """End all."""
        for key in tuple(self.running):
            await self.stop(key)
        if self._tray is not None:
            self._tray.hide()

    def _on_news(self, run: Run | None = None) -> None:
        self.changed.emit()

    def _tell(self, schedule: Schedule, run: Run) -> None:
        reply = f": {visible(run.outcome.reply, 120)}" if not run.outcome.ok else ""
        words = self.tr("{0} is now {1}{2}").format(schedule.title, run.outcome.result, reply)
        self.noticed.emit(words)
        if self.in_tray and self.has_tray():
            if self._tray is None:
                self._tray = QSystemTrayIcon(icon("smtpadmin"), self)
                self._tray.setToolTip("smtpadmin")
            self._tray.show()
            self._tray.showMessage(self.tr("A test has another outcome"), words)


def _history(key: str) -> RunHistory:
    folder: Path = paths.state_dir() / "repeats"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return RunHistory(folder / f"{key}.jsonl")
