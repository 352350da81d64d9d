"""What a table shows: each cell in its place, of the row as it is now, in the palette in force."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import QItemSelectionModel, QRect, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from smtpadmin.gui.application import make_application
from smtpadmin.gui.models.queue_columns import QUEUE_TABLE
from smtpadmin.gui.models.row_model import RowModel
from smtpadmin.gui.theme.theme import Scheme, current_theme
from smtpadmin.gui.widgets.cell_painter import CellFont, CellPainter
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.services.columns import QUEUE_COLUMNS
from smtpadmin.services.queue_watch import queue_key
from smtpadmin.services.row_store import RowStore

pytestmark = pytest.mark.gui
ROWS = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
SENDER, SIZE, TRIES = 4, 5, 6
T0 = datetime(2026, 3, 1, tzinfo=UTC)


def entry(number: int, tries: int = 1) -> QueueEntry:
    to = QueueRecipient(f"user{number}@b.example", "450 4.2.1 (later)")
    return QueueEntry(
        f"Q{number:04d}", "deferred", T0, number, "AVATo@b.example", (to,), tries=tries
    )


@pytest.fixture
def table() -> Iterator[Table]:
    make_application()
    current_theme().apply(Scheme.LIGHT)
    store = RowStore(QUEUE_COLUMNS, key=queue_key)
    store.append([entry(n) for n in range(100)])
    table = Table(RowModel(store, QUEUE_TABLE), "queue")
    table.resize(1800, 400)
    table.show()
    yield table
    current_theme().apply(Scheme.LIGHT)
    table.close()


def painted(table: Table, ratio: float = 1.0, area: QRect | None = None) -> QImage:
    """The cells alone, without the view's ground."""
    size = table.viewport().size() * ratio
    image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    CellPainter(table, table.rows).paint(painter, area or table.viewport().rect())
    painter.end()
    return image


def cell_of(image: QImage, table: Table, row: int, column: int) -> QImage:
    return image.copy(table.visualRect(table.rows.index(row, column)))


def ground(image: QImage, table: Table, row: int) -> QColor:
    return cell_of(image, table, row, SIZE).pixelColor(3, 3)


def is_blank(image: QImage) -> bool:
    empty = image.copy()
    empty.fill(image.pixelColor(0, 0))
    return image == empty


@pytest.mark.parametrize(
    "text", ["", "sent", "i" * 60, "W" * 60, "日本語のメール" * 9, "a\u0301" * 40]
)
@pytest.mark.parametrize("width", [0, 40, 200, 2_000])
async def test_a_fitted_text_is_never_wider_than_its_cell(text: str, width: int) -> None:
    make_application()
    font = CellFont(QFont())
    fitted = font.fitted(text, width)
    if fitted == text:
        assert font.metrics.horizontalAdvance(text) <= width or not text
    else:
        assert fitted.endswith("…") or width < font.metrics.horizontalAdvance("…") + 1


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
@pytest.mark.parametrize("compact", [False, True])
async def test_text_on_its_baseline_lies_where_qt_centres_it(
    table: Table, monkeypatch: pytest.MonkeyPatch, ratio: float, compact: bool
) -> None:
    table.set_compact(compact)
    quick = painted(table, ratio)
    monkeypatch.setattr(CellFont, "surely_fits", lambda *_: False)
    assert not is_blank(quick)
    assert quick == painted(table, ratio)


async def test_grounds_tell_every_other_row_and_the_selected_ones(table: Table) -> None:
    table.selectionModel().select(table.rows.index(2, 0), ROWS)
    image, color = painted(table), current_theme().color
    assert ground(image, table, 0).alpha() == 0
    assert ground(image, table, 1) == color("alternate")
    assert ground(image, table, 2) == color("select")


async def test_the_current_cell_has_a_frame_while_the_table_has_the_focus(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = table.rows.index(2, SIZE)
    table.selectionModel().setCurrentIndex(current, QItemSelectionModel.SelectionFlag.NoUpdate)
    for focused in (True, False):
        monkeypatch.setattr(table, "hasFocus", lambda focused=focused: focused)
        corner = cell_of(painted(table), table, 2, SIZE).pixelColor(0, 0)
        assert (corner == current_theme().color("accent")) is focused


async def test_a_switched_palette_is_used_at_once(table: Table) -> None:
    first = table.viewport().grab().toImage()
    current_theme().apply(Scheme.DARK)
    second = table.viewport().grab().toImage()
    assert second.pixelColor(3, 40) == current_theme().color("alternate")
    current_theme().apply(Scheme.LIGHT)
    assert first != second
    assert table.viewport().grab().toImage() == first


async def test_a_changed_font_is_used_at_once(table: Table) -> None:
    first = painted(table)
    font = table.font()
    font.setPointSizeF(font.pointSizeF() + 3)
    table.setFont(font)
    assert table.viewport().grab().toImage() != first
    assert painted(table) != first


async def test_an_updated_row_is_shown_as_it_is_now(table: Table) -> None:
    before = table.viewport().grab().toImage()
    table.rows.store.upsert([entry(1, tries=2)])
    after = table.viewport().grab().toImage()
    changed = [
        (row, column)
        for row in range(4)
        for column in range(8)
        if cell_of(before, table, row, column) != cell_of(after, table, row, column)
    ]
    assert changed == [(1, TRIES)]


async def test_each_row_is_asked_for_once_and_only_where_it_is_seen(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, asked = table.rows.store, list[int]()
    row = store.row
    monkeypatch.setattr(store, "row", lambda position: asked.append(position) or row(position))
    table.verticalScrollBar().setValue(310)
    painted(table)
    assert asked == list(range(table.rowAt(0), table.rowAt(table.viewport().height() - 1) + 1))
    asked.clear()
    painted(table, area=table.visualRect(table.rows.index(15, 0)))
    assert asked == [15]


async def test_moved_and_hidden_columns_are_painted_where_the_header_has_them(
    table: Table,
) -> None:
    table.setColumnHidden(1, True)
    before = cell_of(painted(table), table, 0, SENDER)
    table.horizontalHeader().moveSection(SENDER, 0)
    assert table.columnViewportPosition(SENDER) == 0
    assert cell_of(painted(table), table, 0, SENDER) == before
    assert not is_blank(before)


async def test_from_right_to_left_words_stand_on_the_other_side(table: Table) -> None:
    table.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    image = painted(table)
    for column, on_the_left in ((SENDER, False), (SIZE, True)):
        cell = cell_of(image, table, 0, column)
        left = cell.copy(0, 0, 12 + 8, cell.height())
        right = cell.copy(cell.width() - 12 - 8, 0, 12 + 8, cell.height())
        assert (is_blank(left), is_blank(right)) == (not on_the_left, on_the_left)


async def test_a_table_without_rows_paints_nothing(table: Table) -> None:
    table.rows.store.clear()
    assert is_blank(painted(table))
