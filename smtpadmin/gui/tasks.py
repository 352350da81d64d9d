"""Tasks of a widget: they end when the widget does, and their errors reach the presenter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from PySide6.QtCore import QObject

from smtpadmin.gui.errors import report
from smtpadmin.util.tasks import TaskOwner

T = TypeVar("T")


class TaskScope:
    """Owns the tasks of one widget. Keep it in an attribute of that widget."""

    def __init__(
        self, owner: QObject, on_error: Callable[[str, BaseException], None] | None = None
    ) -> None:
        name = owner.objectName() or type(owner).__name__
        self._tasks = TaskOwner(name, on_error or report)
        owner.destroyed.connect(self._tasks.cancel_all)

    def spawn(self, name: str, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T] | None:
        """Start a coroutine as ``widget/name``."""
        return self._tasks.spawn(name, coroutine)

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the tasks that still run."""
        return self._tasks.running

    def cancel_all(self) -> None:
        """Ask every task to stop."""
        self._tasks.cancel_all()

    async def close(self, timeout: float = 3.0) -> None:
        """Cancel and wait."""
        await self._tasks.close(timeout)
