"""The transcript: colours by direction, marks for TLS, search, copy, and speed with many lines."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from smtpadmin.gui.theme.theme import current_theme
from smtpadmin.gui.widgets.transcript_view import MOST_SHOWN, TranscriptView, tone, words
from smtpadmin.model.smtp import TranscriptLine

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("themed")]
LINES = (
    TranscriptLine(0.0, "*", "connected to 192.0.2.1"),
    TranscriptLine(1.0, "<", "220 mx.example"),
    TranscriptLine(2.0, ">", "EHLO me", True),
    TranscriptLine(3.0, "<", "550 no\x00\u202e", True),
)


def shown(qtbot: QtBot, lines: object = LINES) -> TranscriptView:
    view = TranscriptView()
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.lines.set_lines(lines)  # type: ignore[arg-type]
    view.show()
    return view


def test_direction_and_tls_in_words_and_colours(qtbot: QtBot) -> None:
    view = shown(qtbot)
    assert [tone(line) for line in LINES] == ["muted", "text", "accent", "err"]
    assert view.text().split("\n")[2] == "    0.002 ~→ EHLO me"
    index = view.lines.index(3, 0)
    assert index.data(Qt.ItemDataRole.ForegroundRole) == current_theme().color("err")
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "received, TLS: 550 no␀\\u{202E}"


def test_the_bar_beside_tls_and_marks_of_a_search_are_painted(qtbot: QtBot) -> None:
    view = shown(qtbot)
    colours = colours_in(view)
    assert current_theme().color("ok").name() in colours
    assert current_theme().color("warn_ground").name() not in colours
    assert view.search("ehlo") == [2]
    assert current_theme().color("warn_ground").name() in colours_in(view)
    assert view.search("") == []


def test_a_session_reads_the_same_in_a_window_that_reads_from_the_right(
    qtbot: QtBot, request: pytest.FixtureRequest
) -> None:
    view = shown(qtbot)
    usual = view.viewport().grab().toImage()
    request.addfinalizer(lambda: QApplication.setLayoutDirection(Qt.LayoutDirection.LeftToRight))
    QApplication.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert view.viewport().grab().toImage() == usual


def colours_in(view: TranscriptView) -> set[str]:
    image = view.viewport().grab().toImage()
    return {
        image.pixelColor(x, y).name()
        for x in range(0, image.width(), 1)
        for y in range(0, image.height(), 3)
    }


def test_copy_takes_the_chosen_lines_or_all(qtbot: QtBot) -> None:
    view = shown(qtbot)
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == view.text()
    view.show_row(1)
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == words(LINES[1])


def test_a_long_line_is_cut_and_can_be_scrolled_to(qtbot: QtBot) -> None:
    view = shown(qtbot, [TranscriptLine(1.0, "<", "x" * 5_000)])
    assert len(view.text()) < MOST_SHOWN + 60
    assert view.horizontalScrollBar().maximum() > 0
    assert view.columnWidth(0) >= view.fontMetrics().horizontalAdvance(view.text())


def test_who_has_scrolled_up_stays_there(qtbot: QtBot) -> None:
    view = shown(qtbot, LINES * 100)
    view.scrollToBottom()
    assert view.is_at_end
    view.verticalScrollBar().setValue(0)
    view.lines.append(LINES)
    assert not view.is_at_end
    assert view.verticalScrollBar().value() == 0


def test_many_lines_grow_at_once(qtbot: QtBot) -> None:
    view = shown(qtbot, LINES * 25_000)
    began = time.perf_counter()
    for _ in range(50):
        view.lines.append(LINES)
        view.scrollToBottom()
    assert time.perf_counter() - began < 5.0  # a list view needs 9 s and more
    assert view.lines.rowCount() == 100_200
