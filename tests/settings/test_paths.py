"""Where files go: one home for tests and tours, the system's places otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpadmin.settings import paths


def test_one_home_holds_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTPADMIN_HOME", str(tmp_path))
    assert {paths.config_dir(), paths.data_dir(), paths.state_dir()} == {
        tmp_path / "config", tmp_path / "data", tmp_path / "state",
    }  # fmt: skip


def test_the_systems_places_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMTPADMIN_HOME")
    assert all(
        "smtpadmin" in str(p) for p in (paths.config_dir(), paths.data_dir(), paths.state_dir())
    )
