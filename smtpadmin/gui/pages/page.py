"""What a page is: a widget that works only while it is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.tasks import TaskScope


class Page(QWidget):
    """A page behind a tab. ``activate`` and ``deactivate`` follow the tab."""

    def __init__(self, context: ServerContext, name: str) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(name)
        self.context = context
        self.scope = TaskScope(self)
        self.is_active = False

    def activate(self) -> None:
        """The page is shown now."""
        self.is_active = True

    def deactivate(self) -> None:
        """The page is hidden now."""
        self.is_active = False

    def focus_filter(self) -> None:
        """Put the cursor into the page's filter, if it has one."""

    def escape(self) -> bool:
        """Esc: undo one step of narrowing; False when there is nothing to undo."""
        return False

    async def close_page(self) -> None:
        """End the page's tasks."""
        await self.scope.close()
