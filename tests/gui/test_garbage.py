"""Cycles with widgets in them end in the GUI thread."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest
from PySide6.QtCore import QObject, QThread
from PySide6.QtWidgets import QApplication

from smtpadmin.gui.application import make_application
from smtpadmin.gui.garbage import GarbageCollector

pytestmark = pytest.mark.gui


class _Cycle(QObject):
    """An object that only the collector can end, and that tells in which thread it did."""

    def __init__(self, ended: list[int]) -> None:
        super().__init__()
        self.itself = self
        weakref.finalize(self, lambda: ended.append(threading.get_ident()))


async def test_an_application_collects_by_itself() -> None:
    application = make_application()
    assert make_application() is application
    assert len(application.findChildren(GarbageCollector)) == 1
    assert not gc.isenabled()


async def test_a_worker_that_allocates_ends_no_cycle_and_the_window_does() -> None:
    collector = make_application().findChild(GarbageCollector)
    assert isinstance(collector, GarbageCollector)
    ended: list[int] = []
    _Cycle(ended)
    allocations: list[list[object]] = []
    worker = threading.Thread(target=lambda: allocations.extend([[]] for _ in range(100_000)))
    worker.start()
    worker.join()
    assert ended == []
    while collector.collect_due() is not None:
        pass
    assert ended == [threading.get_ident()]
    assert QThread.currentThread() is QApplication.instance().thread()  # type: ignore[union-attr]


async def test_nothing_is_collected_before_it_is_due() -> None:
    collector = make_application().findChild(GarbageCollector)
    assert isinstance(collector, GarbageCollector)
    gc.collect()
    assert collector.collect_due() is None


async def test_a_look_through_everything_is_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    collector = make_application().findChild(GarbageCollector)
    assert isinstance(collector, GarbageCollector)
    monkeypatch.setattr(collector, "_rests_until", 0.0)
    monkeypatch.setattr(gc, "get_count", lambda: (10_000, 10_000, 10_000))
    looked: list[int] = []
    monkeypatch.setattr(
        gc, "collect", lambda generation: looked.append(generation) or time.sleep(0.01)
    )  # type: ignore[func-returns-value]
    for _ in range(3):
        collector.collect_due()
    assert looked == [2, 1, 1]
