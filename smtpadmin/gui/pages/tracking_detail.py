"""One tracked message: what is wrong, its journey and legs at the left, its exact log lines beside."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.formats.leg_spans import leg_spans
from smtpadmin.formats.reason_text import short_reason
from smtpadmin.formats.track_report import as_text
from smtpadmin.gui.icons import tint
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.journey_view import JourneyView
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.leg_bars import LegBars
from smtpadmin.gui.widgets.narrow_box import NarrowBox
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackedMessage
from smtpadmin.services.explain import explain_reply
from smtpadmin.services.journey import journey_of
from smtpadmin.util.text import visible

_GOOD_ENDS = (DeliveryStatus.SENT, DeliveryStatus.DELIVERED)


class TrackingDetail(QSplitter):
    """Shows the chosen messages. ``copied`` when their story is on the clipboard."""

    copied = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._chosen: tuple[TrackedMessage, ...] = ()
        self._title = Label()
        self._diagnosis = Banner(closable=False)
        self._journey = JourneyView()
        self._legs = LegBars()
        self._legs_title = Label(self.tr("LEGS"))
        self.lines = QPlainTextEdit()
        self.addWidget(self._left())
        self.addWidget(self._right())
        self.setStretchFactor(1, 1)
        self.setChildrenCollapsible(False)

    def _left(self) -> QWidget:
        inner = NarrowBox()
        column = QVBoxLayout(inner)
        column.setContentsMargins(14, 10, 14, 10)
        self._title.setObjectName("subtitle")
        self._title.setWordWrap(True)
        self._legs_title.setObjectName("section")
        for widget in (self._title, self._diagnosis, self._journey, self._legs_title, self._legs):
            column.addWidget(widget)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setMinimumWidth(66 * self.fontMetrics().averageCharWidth())
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return area

    def _right(self) -> QWidget:
        self.lines.setReadOnly(True)
        self.lines.setAccessibleName(self.tr("Log lines"))
        self.lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.lines.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.lines.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        title = Label(self.tr("LOG LINES"))
        title.setObjectName("section")
        copy = QPushButton(self.tr("Copy as text"))
        copy.setObjectName("flat")
        tint(copy, "copy")
        copy.clicked.connect(self._copy)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch(1)
        head.addWidget(copy)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(8, 4, 8, 4)
        column.addLayout(head)
        column.addWidget(self.lines)
        return right

    def show_messages(self, chosen: Sequence[TrackedMessage]) -> None:
        """Nothing, one message, or how many."""
        self._chosen = tuple(chosen)
        self.setVisible(bool(chosen))
        if len(chosen) == 1:
            self._show_one(chosen[0])
        elif chosen:
            self._title.setText(self.tr("{0} messages").format(len(chosen)))
            self._diagnosis.hide()
            self._journey.show_steps(())
            self._show_legs(None)
        self.lines.setPlainText("\n".join(visible(x, 2_000) for m in chosen for x in m.lines))

    def _show_one(self, message: TrackedMessage) -> None:
        self._title.setText(visible(message.subject or message.message_id or "", 120))
        self._diagnose(message)
        self._journey.show_steps(journey_of(message))
        self._show_legs(message)

    def _show_legs(self, message: TrackedMessage | None) -> None:
        """One leg alone is no news: the journey tells it."""
        spans = leg_spans(message) if message is not None else ()
        shown = spans if len(spans) > 1 else ()
        self._legs.show_spans(shown)
        self._legs_title.setVisible(bool(shown))

    def _diagnose(self, message: TrackedMessage) -> None:
        by_trouble = sorted(message.recipients, key=lambda r: r.status in _GOOD_ENDS)
        reply = next((r.reply for r in by_trouble if r.reply), None)
        if not reply:
            self._diagnosis.hide()
            return
        said = visible(short_reason(reply), 400)
        if message.status in _GOOD_ENDS:
            delivered = message.status is DeliveryStatus.DELIVERED
            words = self.tr("Delivered") if delivered else self.tr("Handed to the next hop")
            self._diagnosis.show_message("ok", words, said)
            return
        found = explain_reply(reply)
        tone = "err" if found.permanent else "warn"
        self._diagnosis.show_message(tone, found.summary, f"{found.remedy}\n{said}")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n\n".join(map(as_text, self._chosen)))
        self.copied.emit()
