"""Arranged once, arranged the same the next time."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QMainWindow, QSplitter, QTableWidget, QVBoxLayout, QWidget

from smtpadmin.gui.layout_memory import (
    bring_back_panes,
    bring_back_window,
    keep_panes,
    keep_window,
)
from smtpadmin.settings.preferences import Preferences

pytestmark = pytest.mark.gui


def page(columns: int = 3) -> tuple[QWidget, QSplitter, QTableWidget]:
    box, splitter, table = QWidget(), QSplitter(), QTableWidget(0, columns)
    splitter.addWidget(table)
    splitter.addWidget(QWidget())
    QVBoxLayout(box).addWidget(splitter)
    box.resize(800, 400)
    box.show()
    return box, splitter, table


async def test_panes_and_columns_come_back_through_the_file(tmp_path: Path) -> None:
    first = Preferences(tmp_path / "p.json")
    box, splitter, table = page()
    splitter.setSizes([200, 580])
    table.setColumnWidth(1, 77)
    table.setColumnHidden(2, True)
    table.horizontalHeader().moveSection(0, 1)
    keep_panes(first, "builtin.queue", box)
    first.save()
    again = Preferences(tmp_path / "p.json")
    again.load()
    other, other_splitter, other_table = page()
    bring_back_panes(again, "builtin.queue", other)
    assert other_splitter.sizes() == splitter.sizes()
    assert other_table.columnWidth(1) == 77
    assert other_table.isColumnHidden(2)
    assert other_table.horizontalHeader().logicalIndex(0) == 1


@pytest.mark.parametrize("words", ["", "no base64 ~", "AAAA"])
async def test_nonsense_changes_nothing(tmp_path: Path, words: str) -> None:
    preferences = Preferences(tmp_path / "p.json")
    box, splitter, table = page()
    before = (splitter.sizes(), table.columnWidth(0))
    keep_panes(preferences, "x", box)
    for key in list(preferences._values):
        preferences.set(key, words)
    bring_back_panes(preferences, "x", box)
    assert (splitter.sizes(), table.columnWidth(0)) == before


async def test_another_number_of_columns_begins_anew(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path / "p.json")
    box, _, table = page()
    table.setColumnWidth(0, 33)
    keep_panes(preferences, "x", box)
    other, _, other_table = page(columns=4)
    bring_back_panes(preferences, "x", other)
    assert other_table.columnWidth(0) != 33


async def test_a_window_has_its_size_again(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path / "p.json")
    window = QMainWindow()
    window.resize(700, 444)
    keep_window(preferences, window)
    other = QMainWindow()
    bring_back_window(preferences, other)
    assert (other.width(), other.height()) == (700, 444)
