"""The tour: the real window, the real demo server, one picture of each screen and state."""

from __future__ import annotations

import asyncio
import html
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.pages.logs import LogsPage
from smtpadmin.gui.pages.queue import QueuePage
from smtpadmin.gui.pages.tracking import TrackingPage
from smtpadmin.gui.server_view import ServerView
from smtpadmin.gui.theme.theme import Scheme, current_theme
from smtpadmin.gui.tour_large import LARGE_VARIABLE
from smtpadmin.gui.tour_send import send_test_pictures
from smtpadmin.gui.tour_states import broken_profiles, silent_server
from smtpadmin.gui.tour_tools import show_tools
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.queue import QueueAction
from smtpadmin.model.tracking import TrackCriteria

WAIT_S = 15.0
log = logging.getLogger(__name__)


class Tour:
    """Saves pictures into a folder; ``failures`` names screens that could not be reached."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.pictures: list[tuple[str, str]] = []
        self.failures: list[str] = []

    # Pictures.

    def save(self, name: str, words: str, widget: QWidget) -> None:
        """Save what a widget shows now."""
        path = self.out / f"{len(self.pictures) + 1:02d}-{name}.png"
        widget.grab().save(str(path))
        self.pictures.append((path.name, words))

    async def _step(self, name: str, action: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(WAIT_S):
                await action()
        except TimeoutError:
            self.failures.append(name)
            log.error("the tour could not reach: %s", name)

    async def run(self, window: MainWindow, workspace: Workspace) -> None:
        """Every screen, in the order in which a newcomer meets them."""
        large = os.environ.get(LARGE_VARIABLE)
        window.resize(1280, 800)
        await window.start(demo=False)
        await asyncio.sleep(0.3)
        if not large:
            self.save("first-run", "First run: one button, and the demo", window)
        await self._open_demo(window)
        view = window.current_view()
        assert view is not None
        if large:
            window.resize(1024, 640)
            await self._large(window, view)
            return
        for name, step in (
            ("queue", lambda: self._queue(window, view)),
            ("pages", lambda: self._pages(window, view)),
            ("dialogs", lambda: self._dialogs(window, view)),
            ("send test", lambda: send_test_pictures(self.save, window, view)),
            ("looks", lambda: self._looks(window, view)),
            ("tools", lambda: show_tools(self, window)),
            ("states", lambda: self._states(window, workspace)),
        ):
            await self._step(name, step)

    async def _open_demo(self, window: MainWindow) -> None:
        profile = await window.workspace.start_demo()
        view = await window.open_server(profile.uuid)
        assert view is not None
        await asyncio.sleep(0.02)
        if not os.environ.get(LARGE_VARIABLE):
            self.save("connecting", "Connecting", window)
        await until(lambda: view.context.queue.total >= 25)
        await asyncio.sleep(2.5)

    async def _queue(self, window: MainWindow, view: ServerView) -> None:
        view.show_page("queue")
        page = view.page("queue")
        assert isinstance(page, QueuePage)
        self.save("queue", "Queue: what waits, why, since when", window)
        page.show_facets()
        await asyncio.sleep(0.2)
        popup = QApplication.activePopupWidget()
        assert popup is not None
        self.save("queue-destinations", "Queue: every destination, and how old its mail is", popup)
        popup.close()
        page.set_filter("state:deferred code:4.2.2 -age<1s")
        await asyncio.sleep(0.3)
        self.save("queue-filter", "Queue: filtered", window)
        page.set_filter("size>")
        await asyncio.sleep(0.3)
        self.save("queue-filter-wrong", "Queue: a filter that is not finished", window)
        page.set_filter("to:nobody.at.all")
        await asyncio.sleep(0.3)
        self.save("queue-no-match", "Queue: no match", window)
        page.set_filter("")
        page.table.selectRow(_deferred(page))
        await asyncio.sleep(1.2)
        self.save(
            "queue-detail", "Queue: one message with diagnosis, journey and transcript", window
        )
        page.detail._tabs.setCurrentIndex(1)
        await asyncio.sleep(0.4)
        self.save("queue-headers", "Queue: headers of the message", window)
        page.detail._tabs.setCurrentIndex(3)
        await asyncio.sleep(0.3)
        self.save("queue-structure", "Queue: the parts of the message", window)
        page.detail._tabs.setCurrentIndex(6)
        await asyncio.sleep(0.3)
        self.save("queue-related-log", "Queue: the related log lines", window)
        page.detail._tabs.setCurrentIndex(0)
        for row in range(3, 6):
            index = page.model.index(row, 0)
            flags = page.table.selectionModel().SelectionFlag
            page.table.selectionModel().select(index, flags.Select | flags.Rows)
        await asyncio.sleep(0.4)
        self.save("queue-several", "Queue: several messages selected", window)
        page.act(QueueAction.DELETE)
        await until(lambda: QApplication.activeModalWidget() is not None)
        self._save_modal("delete", "Delete: what exactly, and with copies")
        page.act(QueueAction.HOLD)
        await asyncio.sleep(1.5)
        self.save("queue-held", "Queue: held, with Undo", window)
        page.undo_last()
        await asyncio.sleep(1.0)
        self.save("queue-undone", "Queue: undone", window)
        page.table.clearSelection()

    async def _pages(self, window: MainWindow, view: ServerView) -> None:
        window.toast.hide()
        view.show_page("overview")
        await asyncio.sleep(1.0)
        self.save("overview", "Overview", window)
        view.show_page("logs")
        logs = view.page("logs")
        assert isinstance(logs, LogsPage)
        await until(lambda: logs.store.total > 50)
        await asyncio.sleep(1.3)
        self.save("logs", "Logs: following", window)
        logs.next_problem(-1)
        await asyncio.sleep(0.3)
        self.save("logs-problem", "Logs: the last problem", window)
        logs.box.set_text("event:reject")
        await asyncio.sleep(0.4)
        self.save("logs-filter", "Logs: only rejections", window)
        logs.box.set_text("")
        tracking = view.page("tracking")
        assert isinstance(tracking, TrackingPage)
        view.show_page("tracking")
        await until(lambda: len(tracking.store) > 10)
        self.save("tracking", "Tracking: the last hour", window)
        tracking.search(TrackCriteria(recipient="gone@partner.example"))
        await until(lambda: len(tracking.store) > 0 and not tracking.scope.running)
        tracking.table.selectRow(0)
        await asyncio.sleep(0.4)
        self.save(
            "tracking-journey", "Tracking: journey, diagnosis and the exact log lines", window
        )
        tracking.search(TrackCriteria(recipient="nobody@nowhere.example"))
        await until(lambda: not tracking.scope.running)
        self.save("tracking-nothing", "Tracking: nothing found", window)
        view.show_page("tests")
        page = view.page("tests")
        assert page is not None
        self.save("tests-empty", "Tests: before the first run", window)
        page.refresh()  # type: ignore[attr-defined]
        await until(lambda: not page.scope.running)
        self.save("tests", "Tests: stage by stage", window)
        view.show_page("settings")
        await asyncio.sleep(0.1)
        self.save("settings", "Settings: what is kept about the server, and where", window)
        view.show_page("activity")
        await asyncio.sleep(0.6)
        self.save("activity", "Activity: what was done, with undo", window)

    async def _dialogs(self, window: MainWindow, view: ServerView) -> None:
        view.show_page("queue")
        for command, name, words in (
            ("palette", "palette", "Command palette"),
            ("keys", "keys", "Keyboard shortcuts"),
            ("add_server", "wizard", "Wizard: which server"),
            ("explain", "explain", "Explain a reply"),
            ("card", "settings-card", "Settings for a third-party form"),
            ("edit_server", "edit-server", "Edit a server"),
            ("about", "about", "About"),
        ):
            window.run(command)
            await until(lambda: QApplication.activeModalWidget() is not None)
            await asyncio.sleep(0.2)
            self._save_modal(name, words)
            await until(lambda: QApplication.activeModalWidget() is None)

    async def _looks(self, window: MainWindow, view: ServerView) -> None:
        page = view.page("queue")
        assert isinstance(page, QueuePage)
        page.table.selectRow(_deferred(page))
        await asyncio.sleep(0.8)
        current_theme().apply(Scheme.DARK)
        await asyncio.sleep(0.2)
        self.save("dark-queue", "Dark: queue", window)
        for name in ("overview", "logs", "tracking"):
            view.show_page(name)
            if name == "tracking":
                await self._track_again(view)
            await asyncio.sleep(0.5)
            self.save(f"dark-{name}", f"Dark: {name}", window)
        current_theme().apply(Scheme.LIGHT)
        view.show_page("queue")
        window.resize(1024, 640)
        await asyncio.sleep(0.3)
        self.save("small", "1024 x 640", window)
        window.resize(1280, 800)
        QApplication.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        await asyncio.sleep(0.3)
        self.save("right-to-left", "Right to left", window)
        QApplication.setLayoutDirection(Qt.LayoutDirection.LeftToRight)

    async def _track_again(self, view: ServerView) -> None:
        tracking = view.page("tracking")
        assert isinstance(tracking, TrackingPage)
        tracking.search(TrackCriteria(recipient="@mailhost.example"))
        await until(lambda: len(tracking.store) > 0 and not tracking.scope.running)
        tracking.table.selectRow(0)

    async def _states(self, window: MainWindow, workspace: Workspace) -> None:
        for name, words, profile, secrets in broken_profiles(workspace):
            await workspace.demo_profiles.add(profile, secrets)
            await workspace.reload()
            view = await window.open_server(profile.uuid)
            assert view is not None
            await until(lambda v=view: v.context.status.error is not None)  # type: ignore[misc]
            await asyncio.sleep(0.3)
            self.save(name, words, window)
        await self._silence(window, workspace)
        demo = workspace.demo
        assert demo is not None
        await window.open_server(demo.profile.uuid, "queue")
        await demo.stop()
        view = window.current_view()
        assert view is not None
        await until(lambda: view.context.status.error is not None)
        await asyncio.sleep(0.3)
        self.save(
            "stale", "The server went away: the last rows stay, and say how old they are", window
        )

    async def _silence(self, window: MainWindow, workspace: Workspace) -> None:
        async with silent_server() as profile:
            await workspace.demo_profiles.add(profile, {})
            await workspace.reload()
            view = await window.open_server(profile.uuid, "overview")
            assert view is not None
            await asyncio.sleep(1.0)
            self.save("connecting-slowly", "A server that does not answer: Cancel", window)
            view.context.session.give_up()
            await until(lambda: view.context.status.error is not None)
            await asyncio.sleep(0.2)
            self.save("cancelled", "Cancelled: nothing is tried until Try now", window)

    async def _large(self, window: MainWindow, view: ServerView) -> None:
        page = view.page("queue")
        assert isinstance(page, QueuePage)
        page.table.selectRow(_deferred(page))
        await asyncio.sleep(0.8)
        self.save("large-queue", "200 %: queue", window)
        view.show_page("overview")
        await asyncio.sleep(0.5)
        self.save("large-overview", "200 %: overview", window)

    def _save_modal(self, name: str, words: str) -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is not None:
            self.save(name, words, dialog)
            dialog.close()

    # The rest.

    def add_large(self, pictures: list[tuple[str, str]], why_not: str) -> None:
        """The pictures of :mod:`smtpadmin.gui.tour_large`."""
        self.pictures += pictures
        if why_not:
            self.failures.append("200 % font")
            log.error("the tour could not show 200 %%: %s", why_not)

    def write_index(self) -> None:
        """``index.html``: every picture with its words."""
        rows = "\n".join(
            f'<figure><a href="{html.escape(name)}"><img src="{html.escape(name)}" width="640" '
            f'alt="{html.escape(words)}"></a><figcaption>{html.escape(words)}</figcaption></figure>'
            for name, words in self.pictures
        )
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>smtpadmin tour</title>'
            "<style>body{font-family:sans-serif;margin:2em}figure{display:inline-block;margin:1em}"
            "img{border:1px solid #ccc}</style><h1>smtpadmin</h1>"
            f"{rows}</html>\n"
        )
        (self.out / "index.html").write_text(page, "utf-8")


async def until(condition: Callable[[], object], timeout: float = 12.0) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110 - conditions of widgets have no event
            await asyncio.sleep(0.03)


def _deferred(page: QueuePage) -> int:
    rows = (n for n in range(len(page.context.queue)) if page.model.row(n).queue == "deferred")
    return next(rows, 0)
