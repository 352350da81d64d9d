"""A pill is as wide as its word, and sharp on every screen."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFont

from smtpadmin.gui.application import make_application
from smtpadmin.gui.widgets.pill import pill

pytestmark = pytest.mark.gui


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
