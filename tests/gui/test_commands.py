"""Every command has a method, and no two share a key."""

from __future__ import annotations

from smtpadmin.gui.commands import COMMANDS, MENUS
from smtpadmin.gui.window_commands import WindowCommands


def test_every_command_has_its_method() -> None:
    assert [c.name for c in COMMANDS if not hasattr(WindowCommands, f"do_{c.name}")] == []


def test_no_two_commands_share_a_key() -> None:
    keys = [c.key for c in COMMANDS if c.key]
    assert len(keys) == len(set(keys))


def test_every_menu_is_known() -> None:
    assert {c.menu for c in COMMANDS} <= set(MENUS)
