"""What holds for every test: a home of its own, no keyring, no display, strict about warnings."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

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


def _qt_loop() -> asyncio.AbstractEventLoop:
    import qasync

    from smtpadmin.gui.application import make_application

    _applications[:] = [make_application()]
    return qasync.QEventLoop(_applications[0])


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests marked ``gui`` run on the window's own loop, all others on plain asyncio."""
    if item.get_closest_marker("gui"):
        return {"qasync": _qt_loop}
    return {"asyncio": asyncio.new_event_loop}
