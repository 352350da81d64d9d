"""The Overview page: things to fix first, then counts, rates, age by domain, facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.connectors.api import Advice, AdviceSource, ability
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.status_words import queue_word
from smtpadmin.gui.time_format import TIMES, age
from smtpadmin.gui.widgets.heat_table import HeatTable
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.picture import Picture
from smtpadmin.gui.widgets.sparkline import Sparkline
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.queue import QueueCounts
from smtpadmin.model.stats import ServerStats
from smtpadmin.services.qshape import store_shape
from smtpadmin.util.tasks import run_blocking
from smtpadmin.util.text import visible

UNKNOWN = "—"
"""Stands where the server has not said a number; a zero would be a lie."""

MOST_RECENT = 5
_QUEUES = ("deferred", "active", "hold", "incoming")
_RATES = (("accepted", "Accepted", "info"), ("delivered", "Delivered", "ok"),
          ("deferred", "Deferred", "warn"), ("bounced", "Bounced", "err"),
          ("rejected", "Rejected", "err"))  # fmt: skip


class OverviewPage(Page):
    """What an administrator looks at first."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__(context, "Overview")
        self._counts = {name: Label(UNKNOWN) for name in _QUEUES}
        self._totals = {name: Label(UNKNOWN) for name, _, _ in _RATES}
        self._lines = {
            name: Sparkline(self.tr("{0} by the minute").format(self.tr(title)), tone)
            for name, title, tone in _RATES
        }
        self._advice = QVBoxLayout()
        self._recent = QVBoxLayout()
        self._facts = QGridLayout()
        self.heat = HeatTable()
        self.heat.chosen.connect(self._on_domain)
        self._lay_out()
        context.counts_changed.connect(self._on_counts)
        context.stats_changed.connect(self._on_stats)
        context.status_changed.connect(self._on_status)

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setObjectName("scrolled")
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(10)
        column.addWidget(_section(self.tr("Things to fix")))
        column.addLayout(self._advice)
        if self.context.has("queue"):
            column.addWidget(_section(self.tr("Queue")))
            column.addLayout(self._count_cards())
        if self.context.has("stats"):
            column.addWidget(_section(self.tr("Since the server's start, and by the minute")))
            column.addLayout(self._rate_cards())
        if self.context.has("queue"):
            column.addWidget(_section(self.tr("Age by destination (minutes)")))
            column.addWidget(self.heat)
        if self.context.has("queue-control"):
            column.addWidget(_section(self.tr("Recent activity")))
            column.addLayout(self._recent)
        self._server = _section(self.tr("Server"))
        column.addWidget(self._server)
        self._facts.setColumnStretch(1, 1)
        column.addLayout(self._facts)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setAccessibleName(self.tr("Overview"))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    def _count_cards(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for name in _QUEUES:
            word, tone, _ = queue_word(name)
            row.addWidget(_card(self.tr(word.capitalize()), self._counts[name], tone))
        return row

    def _rate_cards(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for name, title, tone in _RATES:
            row.addWidget(_card(self.tr(title), self._totals[name], tone, self._lines[name]))
        return row

    def activate(self) -> None:
        super().activate()
        if self.context.counts is not None:
            self._on_counts(self.context.counts)
        if self.context.stats is not None:
            self._on_stats(self.context.stats)
        self._show_facts()
        self.scope.spawn("advice", self._load_advice())
        if self.context.has("queue-control"):
            self.scope.spawn("recent activity", self._load_recent())

    def refresh(self) -> None:
        """Ask again."""
        self.activate()

    async def _load_recent(self) -> None:
        done = await run_blocking(self.context.workspace.journal.read)
        ours = [a for a in done if a.server == self.context.profile.name]
        ours.sort(key=lambda a: a.time, reverse=True)
        _clear(self._recent)
        for activity in ours[:MOST_RECENT]:
            words = self.tr("{0}  {1}: {2}").format(
                TIMES.time(activity.time), activity.action, activity.result
            )
            self._recent.addWidget(_plain(words))
        if not ours:
            self._recent.addWidget(
                _plain(self.tr("Nothing was changed from here yet."), muted=True)
            )

    async def _load_advice(self) -> None:
        source = ability(self.context.session.connector, AdviceSource)
        try:
            found = await source.advice() if source is not None else []
        except SmtpadminError as error:
            found = [Advice("warn", str(error), "")]
        self._show_advice(found)

    def _show_advice(self, found: Sequence[Advice]) -> None:
        _clear(self._advice)
        if self.context.session.probed is None:
            words = self.tr("Not connected yet: nothing could be checked.")
            self._advice.addWidget(_advice_row("info", "info", words, ""))
        elif not found:
            self._advice.addWidget(
                _advice_row(
                    "check", "ok", self.tr("Nothing: our checks of this server found no fault."), ""
                )
            )
        for advice in found:
            tone = "err" if advice.severity == "fail" else "warn"
            self._advice.addWidget(_advice_row("warning", tone, advice.summary, advice.fix))

    def _on_counts(self, counts: QueueCounts) -> None:
        for name, label in self._counts.items():
            label.setText(str(counts.by_queue.get(name, 0)))
        if self.is_active:
            self.heat.show_shape(store_shape(self.context.queue, datetime.now(UTC)))

    def _on_stats(self, stats: ServerStats) -> None:
        for name, label in self._totals.items():
            label.setText(str(stats.totals.get(name, 0)))
            series = stats.series.get(name)
            if series is not None:
                self._lines[name].set_values(series.values[-120:])

    def _on_status(self, status: object) -> None:
        if self.is_active:
            self._show_facts()
            self.scope.spawn("advice", self._load_advice())

    def _show_facts(self) -> None:
        probed, stats = self.context.session.probed, self.context.stats
        facts = (
            {"Software": f"{probed.software} {probed.version}", "Reached by": probed.path}
            if probed
            else {}
        )
        facts |= dict(probed.facts) if probed else {}
        if stats is not None and stats.since is not None:
            facts["Up since"] = (
                f"{TIMES.time(stats.since)} ({age(datetime.now(UTC) - stats.since)})"
            )
        if stats is not None and stats.last_delivered is not None:
            facts["Last delivery"] = TIMES.time(stats.last_delivered)
        _clear(self._facts)
        self._server.setVisible(bool(facts))
        for row, (name, value) in enumerate(facts.items()):
            label = Label(self.tr(name))
            label.setObjectName("muted")
            self._facts.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            text = Label(visible(value, 600))
            text.setWordWrap(True)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._facts.addWidget(text, row, 1)

    def _on_domain(self, domain: str) -> None:
        self.context.filter_wanted.emit(f"domain:{domain}")


def _section(words: str) -> Label:
    label = Label(words.upper())
    label.setObjectName("section")
    return label


def _plain(words: str, *, muted: bool = False) -> Label:
    label = Label(visible(words, 300))
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    if muted:
        label.setObjectName("muted")
    return label


def _clear(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.deleteLater()


def _card(title: str, value: Label, tone: str, line: Sparkline | None = None) -> QFrame:
    card = QFrame()
    card.setObjectName("card")
    column = QVBoxLayout(card)
    column.setContentsMargins(12, 8, 12, 8)
    column.setSpacing(2)
    head = QHBoxLayout()
    head.addWidget(Picture("dot", tone, 14))
    name = Label(title)
    name.setObjectName("muted")
    head.addWidget(name, 1)
    column.addLayout(head)
    value.setObjectName("title")
    column.addWidget(value)
    if line is not None:
        column.addWidget(line)
    return card


def _advice_row(icon: str, tone: str, words: str, fix: str) -> QWidget:
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(Picture(icon, tone), 0, Qt.AlignmentFlag.AlignTop)
    text = Label(visible(words) + (f"  {visible(fix)}" if fix else ""))
    text.setWordWrap(True)
    row.addWidget(text, 1)
    return box
