"""Preferences: kept, typed, and a broken file put aside."""

from __future__ import annotations

from pathlib import Path

from smtpadmin.settings.preferences import Preferences


def test_values_are_there_after_a_restart(tmp_path: Path) -> None:
    first = Preferences(tmp_path / "p.json")
    first.load()
    first.set("scheme", "dark")
    first.set("unknown.to.us", [1])
    first.save()
    second = Preferences(tmp_path / "p.json")
    second.load()
    assert second.get("scheme", "system") == "dark"
    second.set("scheme", "light")
    second.save()
    third = Preferences(tmp_path / "p.json")
    third.load()
    assert third.get("unknown.to.us", list[int]()) == [1]


def test_a_value_of_another_type_gives_the_default(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path / "p.json")
    preferences.set("scheme", 5)
    assert preferences.get("scheme", "system") == "system"


def test_a_broken_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('{"values": ')
    preferences = Preferences(path)
    preferences.load()
    assert "kept as p.broken.json" in preferences.problem
    assert (tmp_path / "p.broken.json").read_text() == '{"values": '
    assert preferences.get("scheme", "system") == "system"


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    Preferences(tmp_path / "p.json").save()
    assert not (tmp_path / "p.json").exists()
