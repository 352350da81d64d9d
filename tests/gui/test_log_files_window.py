"""Log files on the window: dropped, read, tracked; no server anywhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.models.log_columns import is_problem
from smtpadmin.gui.pages.logs import LogsPage
from smtpadmin.gui.pages.tracking import TrackingPage
from smtpadmin.gui.server_view import ServerView
from smtpadmin.model.tracking import TrackCriteria
from tests.services.test_log_files import lines
from tests.support.log_writers import WRITERS, mails, write
from tests.support.window import opened_window, until

pytestmark = pytest.mark.gui


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    entering = QDragEnterEvent(QPointF(50, 50).toPoint(), copy, data, buttons, none)
    window.dragEnterEvent(entering)
    assert entering.isAccepted()
    window.dropEvent(QDropEvent(QPointF(50, 50), copy, data, buttons, none))


async def dropped(window: MainWindow, path: Path) -> tuple[ServerView, LogsPage]:
    """A log that was dropped, and its page of lines."""
    drop(window, path)
    await until(lambda: window.current_view() is not None)
    view = window.current_view()
    assert view is not None
    logs = view.page("logs")
    assert isinstance(logs, LogsPage)
    return view, logs


async def test_a_dropped_log_is_shown_and_tracked(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(lines(f"A1B2C3D4{n:02}", f"u{n}@b.example", n) for n in range(40)))
    async with opened_window() as window:
        view, logs = await dropped(window, path)
        await until(lambda: logs.store.total == 200)
        view.context.track(TrackCriteria(recipient="u7@b.example"))
        tracking = view.page("tracking")
        assert isinstance(tracking, TrackingPage)
        await until(lambda: len(tracking.store) == 1)
        assert tracking.store.row(0).queue_ids == ("A1B2C3D407",)
        window.servers.edit(view.context.profile.uuid)
        await until(lambda: window.toast.isVisible())


async def test_a_log_without_a_server_of_its_kind_is_shown_and_tracked(tmp_path: Path) -> None:
    written = write("haraka", mails(WRITERS["haraka"], 12, 1))
    path = tmp_path / "haraka.log"
    path.write_text("\n".join(written.lines) + "\n", "utf-8")
    async with opened_window() as window:
        view, logs = await dropped(window, path)
        await until(lambda: logs.store.total == len(written.lines))
        logs.next_problem(1)
        problem = logs.table.current_row()
        assert problem is not None
        assert is_problem(problem)
        view.context.track(TrackCriteria(message_id=written.mails[7].message_id))
        tracking = view.page("tracking")
        assert isinstance(tracking, TrackingPage)
        await until(lambda: len(tracking.store) == 1)
        assert tracking.store.row(0).lines == written.lines_of(7)


async def test_lines_that_were_left_out_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtpadmin.gui.pages.logs.LIMIT", 50)
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(lines(f"A1B2C3D4{n:02}", f"u{n}@b.example", n) for n in range(40)))
    async with opened_window() as window:
        _, logs = await dropped(window, path)
        await until(lambda: logs.store.left_out == 150)
        words = "The newest 50 lines are kept; 150 older ones were left out."
        await until(lambda: words in {label.text() for label in logs.findChildren(QLabel)})
        logs.box.set_text("id:A1B2C3D400")
        await until(lambda: len(logs.store) == 0)
        assert words in {label.text() for label in logs.empty.findChildren(QLabel)}


async def test_files_that_cannot_be_read_are_named_on_both_pages(tmp_path: Path) -> None:
    (tmp_path / "mail.log").write_bytes(lines("A1B2C3D401", "u1@b.example", 1))
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\0\x01\x02\x03" * 500)
    async with opened_window() as window:
        drop(window, tmp_path)
        await until(lambda: window.current_view() is not None)
        view = window.current_view()
        assert view is not None
        logs, tracking = view.page("logs"), view.page("tracking")
        assert isinstance(logs, LogsPage)
        await until(lambda: logs.store.total == 5)
        view.context.track(TrackCriteria(recipient="u1@b.example"))
        assert isinstance(tracking, TrackingPage)
        await until(lambda: len(tracking.store) == 1)
        for page in (logs, tracking):
            await until(lambda page=page: not page.banner.isHidden())
            words = " ".join(label.text() for label in page.banner.findChildren(QLabel))
            assert f"{tmp_path / 'photo.png'}: is not a log but a binary file" in words


def wheel(view: QWidget, up: bool) -> None:
    at = QPointF(60, 60)
    turn = QPoint(0, 360 if up else -360)
    none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(at, view.mapToGlobal(at), QPoint(), turn, *none, False)
    QApplication.sendEvent(view, event)


@pytest.mark.parametrize("by", ["wheel", "key"])
async def test_a_log_that_is_full_lets_go_when_its_reader_scrolls_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setattr("smtpadmin.gui.pages.logs.LIMIT", 200)
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(lines(f"A1B2C3D4{n:02}", f"u{n}@b.example", n) for n in range(45)))
    async with opened_window() as window:
        _, logs = await dropped(window, path)
        table, bar = logs.table, logs.table.verticalScrollBar()
        await until(lambda: logs.store.left_out == 25 and bar.value() == bar.maximum() > 0)
        if by == "wheel":
            wheel(table.viewport(), up=True)
        else:
            table.setCurrentIndex(table.rows.index(logs.store.total - 1, 0))
            for _ in range(2):
                QTest.keyClick(table, Qt.Key.Key_PageUp)
        assert logs.follow_button.text() == "Go back to the end"
        first = table.rows.row(table.rowAt(0)).raw
        with path.open("ab") as file:
            file.write(lines("A1B2C3D499", "new@b.example", 50))
        await until(lambda: logs.store.left_out == 30)
        await asyncio.sleep(0.1)
        assert table.rows.row(table.rowAt(0)).raw == first
        while bar.value() < bar.maximum():
            wheel(table.viewport(), up=False)
        assert logs.follow_button.text() == "Following"
        with path.open("ab") as file:
            file.write(lines("A1B2C3D498", "last@b.example", 51))
        await until(lambda: logs.store.left_out == 35)
        await until(lambda: bar.value() == bar.maximum())
        assert table.rows.row(table.rowAt(table.viewport().height() - 8)).queue_id == "A1B2C3D498"


async def test_a_line_is_shown_among_all_lines_and_copied(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(lines(f"A1B2C3D4{n:02}", f"u{n}@b.example", n) for n in range(60)))
    async with opened_window() as window:
        _, logs = await dropped(window, path)
        await until(lambda: logs.store.total == 300)
        logs.follow_button.click()
        logs.box.set_text("id:A1B2C3D450")
        await until(lambda: len(logs.store) == 5)
        logs.table.selectRow(2)
        logs.copy_lines()
        line = QGuiApplication.clipboard().text()
        assert line.startswith("2026-11-25T12:00:50+00:00 mx1 postfix/qmgr[9]: A1B2C3D450: from=")
        logs.show_in_context()
        record = logs.table.current_row()
        assert record is not None
        assert record.raw == line
        place = logs.table.visualRect(logs.table.currentIndex())
        assert logs.table.viewport().rect().contains(place.center())
