"""What tests of single widgets share."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from smtpadmin.gui.application import make_application


@pytest.fixture
def themed(qapp: QApplication) -> QApplication:
    """The application with its palette and style sheet, for a widget without the window."""
    return make_application()
