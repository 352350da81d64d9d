"""A double click on the edge of a header gives the column a readable width."""

from __future__ import annotations

import pytest

from smtpadmin.gui.application import make_application
from smtpadmin.gui.models.log_columns import LOG_TABLE
from smtpadmin.gui.models.row_model import RowModel
from smtpadmin.gui.widgets.table import Table
from smtpadmin.model.log import LogRecord
from smtpadmin.services.columns import LOG_COLUMNS
from smtpadmin.services.row_store import RowStore

pytestmark = pytest.mark.gui


async def test_a_column_fitted_to_its_contents_is_never_too_narrow_to_read() -> None:
    make_application()
    store: RowStore[LogRecord] = RowStore(LOG_COLUMNS)
    store.append([LogRecord("x")])
    table = Table(RowModel(store, LOG_TABLE), "log")
    table.setColumnWidth(2, 30)
    table.resizeColumnToContents(2)
    assert table.columnWidth(2) >= 80
