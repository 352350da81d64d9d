"""How bad a log line is: by the level that it names, else by what it tells.

Postfix and Exim mark few lines with a level; a delivery that failed is a problem all the same.
"""

from __future__ import annotations

import enum
import functools

from smtpadmin.model.log import LogRecord


class Severity(enum.StrEnum):
    """What F2 stops at is anything above ``info``."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_LEVELS = {
    "warning": Severity.WARNING, "error": Severity.ERROR, "err": Severity.ERROR,
    "fatal": Severity.ERROR, "panic": Severity.ERROR, "crit": Severity.ERROR,
    "alert": Severity.ERROR, "emerg": Severity.ERROR,
}  # fmt: skip
_STATUS = {
    "deferred": Severity.WARNING, "SOFTBOUNCE": Severity.WARNING, "bounced": Severity.ERROR,
    "failed": Severity.ERROR, "expired": Severity.ERROR, "force-expired": Severity.ERROR,
    "undeliverable": Severity.WARNING,
}  # fmt: skip
_EVENTS = {
    "reject": Severity.WARNING, "warning": Severity.WARNING, "deferred": Severity.WARNING,
    "failed": Severity.ERROR, "bounced": Severity.ERROR, "expired": Severity.ERROR,
    "frozen": Severity.WARNING, "lost-connection": Severity.WARNING, "timeout": Severity.WARNING,
    "connect-failed": Severity.WARNING, "panic": Severity.ERROR,
}  # fmt: skip


def severity(record: LogRecord) -> Severity:
    """The worst of what level, status and event say."""
    return _worst(record.level, str(record.fields.get("status", "")), record.event)


@functools.lru_cache(1_024)  # lines by the thousand, few differ in these; hostile ones push out
def _worst(level: str | None, status: str, event: str) -> Severity:
    found = (_LEVELS.get(level or ""), _STATUS.get(status), _EVENTS.get(event))
    if Severity.ERROR in found:
        return Severity.ERROR
    return Severity.WARNING if Severity.WARNING in found else Severity.INFO
