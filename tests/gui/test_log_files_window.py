"""Log files on the window: dropped, read, tracked; no server anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent

from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.pages.logs import LogsPage
from smtpadmin.gui.pages.tracking import TrackingPage
from smtpadmin.model.tracking import TrackCriteria
from tests.services.test_log_files import lines
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


async def test_a_dropped_log_is_shown_and_tracked(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(b"".join(lines(f"A1B2C3D4{n:02}", f"u{n}@b.example", n) for n in range(40)))
    async with opened_window() as window:
        drop(window, path)
        await until(lambda: window.current_view() is not None)
        view = window.current_view()
        assert view is not None
        logs = view.page("logs")
        assert isinstance(logs, LogsPage)
        await until(lambda: logs.store.total == 200)
        view.context.track(TrackCriteria(recipient="u7@b.example"))
        tracking = view.page("tracking")
        assert isinstance(tracking, TrackingPage)
        await until(lambda: len(tracking.store) == 1)
        assert tracking.store.row(0).queue_ids == ("A1B2C3D407",)
        window.servers.edit(view.context.profile.uuid)
        await until(lambda: window.toast.isVisible())
