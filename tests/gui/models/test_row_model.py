"""The table model over the row store, under Qt's own model tester."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester

from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.gui.models.queue_columns import QUEUE_TABLE
from smtpadmin.gui.models.row_model import RowModel, cell_of
from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.services.columns import QUEUE_COLUMNS
from smtpadmin.services.queue_watch import queue_key
from smtpadmin.services.row_store import RowStore

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def entry(number: int, queue: str = "deferred", tries: int = 1) -> QueueEntry:
    to = QueueRecipient(f"user{number % 7}@b.example", f"450 4.2.{number % 3} later")
    return QueueEntry(f"Q{number:04d}", queue, T0 + timedelta(seconds=number), number * 10, "a@b.example",
                      (to,), tries=tries)  # fmt: skip


def model_with(store: RowStore[QueueEntry]) -> RowModel[QueueEntry]:
    return RowModel(store, QUEUE_TABLE)


def test_rows_come_change_and_go_under_the_model_tester(qtmodeltester: ModelTester) -> None:
    store = RowStore(QUEUE_COLUMNS, key=queue_key)
    model = model_with(store)
    qtmodeltester.check(model)
    store.append([entry(n) for n in range(20)])
    store.set_filter(parse_filter("to:user1"), T0)
    store.upsert([entry(1, "active"), entry(40)])
    store.sort("size", descending=True)
    store.set_filter(parse_filter(""), T0)
    store.remove([queue_key(entry(3))])
    assert model.rowCount() == len(store) == 20
    store.clear()
    assert model.rowCount() == 0


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.sampled_from(["add", "change", "remove", "sort", "filter"]),
                          st.integers(0, 30)), max_size=25))  # fmt: skip
def test_any_order_of_changes_keeps_model_and_store_equal(
    qtmodeltester: ModelTester, steps: list[tuple[str, int]]
) -> None:
    store = RowStore(QUEUE_COLUMNS, key=queue_key)
    model = model_with(store)
    qtmodeltester.check(model)
    for step, number in steps:
        if step in ("add", "change"):
            store.upsert([entry(number, tries=2 if step == "change" else 1)])
        elif step == "remove":
            store.remove([queue_key(entry(number))])
        elif step == "sort":
            store.sort(("size", "recipient", "reason")[number % 3], descending=bool(number % 2))
        else:
            store.set_filter(parse_filter(f"to:user{number % 7}" if number % 2 else ""), T0)
    shown = [model.data(model.index(row, 8)) for row in range(model.rowCount())]
    assert shown == [row.queue_id for row in store.visible_rows()]


def test_cells_are_worded_aligned_and_made_safe() -> None:
    store = RowStore(QUEUE_COLUMNS, key=queue_key)
    model = model_with(store)
    hostile = QueueEntry(
        "Q1", "hold", T0, 5, "", (QueueRecipient("a@b.example", "450 \x1b[31m\nred"),)
    )
    store.append([hostile])

    def cell(name: str, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return model.data(model.index(0, model.column_number(name)), role)

    assert cell("state") == "held"
    assert cell("sender") == "<>"
    assert cell("reason") == "450 ␛[31m␊red"
    assert cell("size", Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight
    assert "\n" not in cell("reason", Qt.ItemDataRole.ToolTipRole)


def test_a_selection_moves_with_its_row_when_sorted(qtmodeltester: ModelTester) -> None:
    from PySide6.QtCore import QPersistentModelIndex

    store = RowStore(QUEUE_COLUMNS, key=queue_key)
    model = model_with(store)
    qtmodeltester.check(model)
    store.append([entry(n) for n in range(10)])
    kept = QPersistentModelIndex(model.index(2, 8))
    model.sort(model.column_number("size"), Qt.SortOrder.DescendingOrder)
    assert kept.data() == "Q0002"
    assert kept.row() == 7


def test_rows_of_a_stretch_are_those_of_its_positions_now() -> None:
    store = RowStore(QUEUE_COLUMNS, key=queue_key)
    model = model_with(store)
    store.append([entry(n) for n in range(9)])
    store.sort("size", descending=True)
    assert [row.queue_id for row in model.rows(2, 4)] == ["Q0006", "Q0005", "Q0004"]
    store.upsert([entry(5, "hold")])
    cells = [cell_of(model.columns[0], row) for row in model.rows(2, 4)]
    assert [cell.text for cell in cells] == ["deferred", "held", "deferred"]
    assert cells[0].tone
    assert cells[0].icon
    assert cell_of(model.columns[8], entry(1)) == ("Q0001", None, None)
