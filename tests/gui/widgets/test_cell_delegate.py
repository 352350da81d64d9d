"""What a cell shows fits into it, and follows the palette."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFont

from smtpadmin.gui.application import make_application
from smtpadmin.gui.widgets.cell_delegate import CellFont
from smtpadmin.gui.widgets.pill import pill

pytestmark = pytest.mark.gui


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


@pytest.mark.parametrize("most", [1, 30, 400])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
async def test_a_pill_is_as_wide_as_its_word_but_not_wider_than_its_column(
    most: int, ratio: float
) -> None:
    make_application()
    drawn = pill("deferred", "warn", "#fff4d6", "#6b4e00", "warning", QFont(), ratio, most)
    size = drawn.deviceIndependentSize()
    assert size.width() <= most + 1
    assert drawn.devicePixelRatio() == ratio
    if most == 400:
        assert 60 < size.width() < 200
