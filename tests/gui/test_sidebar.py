"""The sidebar: servers in the order that the user gave them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from smtpadmin.gui.sidebar import SavedView, Sidebar
from smtpadmin.model.profile import Environment, Profile
from tests.support.window import opened_window

pytestmark = pytest.mark.gui
A, B, C = (Profile(name, name, "smtp", environment=Environment.TEST) for name in "abc")


def filled() -> tuple[Sidebar, list[list[str]]]:
    sidebar, orders = Sidebar(), []
    sidebar.ordered.connect(orders.append)
    sidebar.fill([A, B, C], [SavedView("old", "age>1d")])
    sidebar.resize(240, 400)
    sidebar.show()
    return sidebar, orders


async def test_alt_and_arrows_move_a_server_within_its_group() -> None:
    sidebar, orders = filled()
    sidebar.choose("c")
    QTest.keyClick(sidebar._tree, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert orders == [["a", "c", "b"]]
    sidebar.choose("a")
    QTest.keyClick(sidebar._tree, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert len(orders) == 1  # there is nothing above it


async def test_a_server_is_dropped_on_another_and_never_on_a_view() -> None:
    sidebar, orders = filled()
    sidebar.choose("a")

    def drop(at: QPointF) -> None:
        none = Qt.KeyboardModifier.NoModifier
        left = Qt.MouseButton.LeftButton
        sidebar._tree.dropEvent(QDropEvent(at, Qt.DropAction.MoveAction, QMimeData(), left, none))

    drop(QPointF(sidebar._tree.visualItemRect(sidebar._items["c"]).center()))
    assert orders == [["b", "c", "a"]]
    views = sidebar._tree.topLevelItem(1)
    assert views is not None
    drop(QPointF(sidebar._tree.visualItemRect(views.child(0)).center()))
    assert len(orders) == 1


async def test_the_order_is_kept_for_the_next_time() -> None:
    async with opened_window() as window:
        for profile in (A, B, C):
            await window.workspace.demo_profiles.add(replace(profile), {})
        await window.workspace.reload()
        window.workspace.order(["c", "a", "b"])
        assert [p.name for p in window.workspace.known] == ["c", "a", "b"]
        await window.workspace.reload()
        assert [p.name for p in window.workspace.known] == ["c", "a", "b"]
