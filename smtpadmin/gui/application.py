"""Runs the window on the qasync event loop. The only file that imports qasync.

Errors of slots and tasks reach the presenter; the window never quits the loop by itself: the main
coroutine waits for "stop requested", closes what runs, each with a time-out, then the window.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget

from smtpadmin.gui.errors import install_hooks, report
from smtpadmin.gui.garbage import GarbageCollector
from smtpadmin.gui.icons import retint_buttons
from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.qt_messages import install_qt_log
from smtpadmin.gui.theme.theme import Theme, has_theme
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.errors import UsageError

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

APPLICATION_ID = "org.smtpadmin.smtpadmin"
EXIT_VARIABLE = "SMTPADMIN_EXIT_AFTER_FIRST_FRAME"
log = logging.getLogger(__name__)
Scenario = Callable[[MainWindow, Workspace], Awaitable[None]]


def has_display() -> bool:
    """Whether a window can be shown: a platform was chosen, or there is a display."""
    if os.environ.get("QT_QPA_PLATFORM"):
        return True
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def demand_display() -> None:
    """Raise UsageError where Qt would abort."""
    if not has_display():
        raise UsageError(
            "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)",
            remedy="Use the command line (smtpadmin --help), save pictures with smtpadmin tour, "
            "or reach this machine with ssh -X.",
        )


def make_application() -> QApplication:
    """The application with its identity, theme and collector; one for each process."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        application = QApplication(["smtpadmin"])
    if has_theme():
        return application
    # Two megabytes of zeros at once, as numpy asks of Linux, are seen as a stutter.
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
    application.setApplicationName("smtpadmin")
    application.setDesktopFileName(APPLICATION_ID)
    application.setQuitOnLastWindowClosed(False)
    GarbageCollector(application)
    Theme(application).changed.connect(retint_buttons)
    return application


def run_window(*, demo: bool = False, scenario: Scenario | None = None) -> int:
    """Show the window until it is closed; ``scenario`` drives it instead of a user."""
    os.environ.setdefault("QT_API", "PySide6")
    install_qt_log()
    application = make_application()
    import qasync

    install_hooks()
    loop = qasync.QEventLoop(application)
    loop.set_exception_handler(_on_loop_error)
    with loop:
        return int(loop.run_until_complete(_main(demo, scenario)))


async def _main(demo: bool, scenario: Scenario | None) -> int:
    workspace = Workspace()
    window = MainWindow(workspace)
    gc.freeze()  # once the window stands, it stands to the end: never look through it again
    if os.environ.get(EXIT_VARIABLE) == "1":
        await _first_frame(window)
        return 0
    window.show()
    window.scope.spawn("start", window.start(demo=demo and scenario is None))
    try:
        if scenario is not None:
            await scenario(window, workspace)
        else:
            await window.stop_requested.wait()
    finally:
        await window.close_for_good()
        await workspace.close()
        _save(workspace)
    return 0


async def _first_frame(window: MainWindow) -> None:
    painted = asyncio.get_running_loop().create_future()
    _Painted(painted, window)
    window.show()
    await painted
    window.close_now()


class _Painted(QWidget):
    """A corner of the window; settles a future when the window's first frame has been painted."""

    def __init__(self, painted: asyncio.Future[None], window: QWidget) -> None:
        super().__init__(window)
        self._painted = painted
        self.resize(1, 1)
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        QTimer.singleShot(0, self._settle)

    def _settle(self) -> None:
        if not self._painted.done():
            self._painted.set_result(None)


def _save(workspace: Workspace) -> None:
    try:
        workspace.preferences.save()
    except OSError as error:
        log.warning("preferences could not be saved: %s", error)


def _on_loop_error(loop: object, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(error, BaseException):
        report(str(context.get("message", "the event loop")), error)
    else:
        log.error("event loop: %s", context.get("message"))
