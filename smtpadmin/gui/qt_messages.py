"""What Qt itself says goes into our log, where its words are those of a developer, not of a user."""

from __future__ import annotations

import logging

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

log = logging.getLogger("qt")
_HARMLESS = ("This plugin does not support",)
"""What the offscreen platform says of each window."""


def install_qt_log() -> None:
    """From now on Qt's messages are log records of the logger ``qt``."""
    qInstallMessageHandler(_handle)


def _handle(kind: QtMsgType, context: QMessageLogContext, message: str | None) -> None:
    words = message or ""
    log.log(logging.DEBUG if words.startswith(_HARMLESS) else _level(kind), "%s", words)


def _level(kind: QtMsgType) -> int:
    if kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg):
        return logging.ERROR
    return logging.WARNING if kind == QtMsgType.QtWarningMsg else logging.DEBUG
