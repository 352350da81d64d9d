"""What holds for every test: a home of its own, no keyring, no display, strict about warnings."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import pytestqt.plugin

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Cycles end here, in the main thread: a worker thread of a later test that ends a widget of
    this one is a segmentation fault (see ``smtpadmin.gui.garbage``)."""
    same_file = nextitem is not None and nextitem.path == item.path
    gc.collect(1 if same_file else 2)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's is read or written, and no keyring is asked."""
    monkeypatch.setenv("SMTPADMIN_HOME", str(tmp_path / "smtpadmin-home"))
    monkeypatch.setenv("SMTPADMIN_SECRETS", "session")
    monkeypatch.delenv("SMTPADMIN_VAULT_PASSWORD", raising=False)


@pytest.fixture(autouse=True)
def _no_unexpected_log(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """A warning of ours that no test expects is a failure; one that is expected ends with
    ``caplog.clear()`` or carries the mark ``expects_log``."""
    yield
    if request.node.get_closest_marker("expects_log"):
        return
    unexpected = [
        f"{record.name}: {record.getMessage()}"
        for record in caplog.get_records("call")
        if record.levelno >= logging.WARNING and record.name.startswith("smtpadmin")
    ]
    assert not unexpected


_applications: list[object] = []
"""Holds the one application: Qt ends it when nothing in Python does."""


_qt_loops: list[asyncio.AbstractEventLoop] = []
"""The loop of the test that runs."""
_process_events = pytestqt.plugin._process_events


def _process_events_without_tasks() -> None:
    """pytest-qt processes events between test and teardown. The tasks of a window that a fixture has yet
    to close would then take steps outside their loop ("no running event loop")."""
    if all(loop.is_closed() for loop in _qt_loops):
        _process_events()


pytestqt.plugin._process_events = _process_events_without_tasks


def _qt_loop() -> asyncio.AbstractEventLoop:
    import qasync

    from smtpadmin.gui.application import make_application

    class WindowLoop(qasync.QEventLoop):  # type: ignore[misc]
        """Without qasync's last look at the events after a run, for the same reason: a test that
        has ended is not yet the end of its window."""

        def run_until_complete(self, future: Awaitable[object]) -> object:
            task = asyncio.ensure_future(future, loop=self)  # noqa: TID251 - a loop is no owner
            task.add_done_callback(self._stop)
            try:
                self.run_forever()
            finally:
                task.remove_done_callback(self._stop)
            return task.result()

        def _stop(self, task: asyncio.Future[object]) -> None:
            self.stop()

    _applications[:] = [make_application()]
    loop: asyncio.AbstractEventLoop = WindowLoop(_applications[0])
    _qt_loops[:] = [loop]
    return loop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests marked ``gui`` run on the window's own loop, all others on plain asyncio."""
    if item.get_closest_marker("gui"):
        return {"qasync": _qt_loop}
    return {"asyncio": asyncio.new_event_loop}
