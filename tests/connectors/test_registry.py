"""Connectors are found by walking the package and by entry points; a broken one is skipped."""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
from collections.abc import Iterator

import pytest

from smtpadmin.connectors import registry
from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    registry.connectors.cache_clear()
    yield
    registry.connectors.cache_clear()


def test_the_built_in_ones_are_found() -> None:
    assert {"builtin", "smtp"} <= set(registry.connectors())


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"kind 'postifx'.*Known kinds: .*smtp"):
        registry.create(Profile("u", "mx1", "postifx"), {})


def test_a_module_that_raises_is_logged_and_skipped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = importlib.import_module

    def break_smtp(name: str) -> object:
        if name.endswith(".smtp"):
            raise RuntimeError("broken plug-in")
        return real(name)

    monkeypatch.setattr(registry.importlib, "import_module", break_smtp)
    with caplog.at_level(logging.ERROR):
        found = registry.connectors()
    assert "smtp" not in found
    assert "builtin" in found
    assert "connector module smtp is skipped" in caplog.text
    caplog.clear()


def test_a_broken_entry_point_is_logged_and_skipped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    point = importlib.metadata.EntryPoint("x", "nowhere.at.all:X", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry.importlib.metadata, "entry_points", lambda **_: [point])
    assert "builtin" in registry.connectors()
    assert "connector plug-in x is skipped" in caplog.text
    caplog.clear()


def test_a_third_party_one_takes_part_but_cannot_take_a_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Mine:
        id = "mine"
        title = "Mine"
        settings = ()

    class Thief(Mine):
        id = "smtp"

    monkeypatch.setattr(registry, "_third_party", lambda: iter((Mine, Thief)))
    found = registry.connectors()
    assert found["mine"] is Mine  # type: ignore[comparison-overlap]
    assert found["smtp"] is not Thief  # type: ignore[comparison-overlap]
    assert "is ignored: the id is taken" in caplog.text
    caplog.clear()
