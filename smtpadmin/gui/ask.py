"""Awaiting a dialog without a nested event loop."""

from __future__ import annotations

import asyncio
import functools

from PySide6.QtWidgets import QDialog


async def ask(dialog: QDialog) -> int:
    """Open a dialog and wait for its answer (``QDialog.DialogCode``); other tasks go on."""
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    settle = functools.partial(_settle, answer)
    dialog.finished.connect(settle)
    try:
        dialog.open()
        return await answer
    finally:
        dialog.finished.disconnect(settle)
        dialog.deleteLater()


def _settle(answer: asyncio.Future[int], code: int) -> None:
    if not answer.done():
        answer.set_result(code)
