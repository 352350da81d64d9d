"""Times for people: the server's zone, mine, or UTC, chosen once; ages and durations."""

from __future__ import annotations

import enum
from datetime import UTC, datetime, tzinfo

from PySide6.QtCore import QObject, Signal


class Zone(enum.StrEnum):
    """Whose clock the window shows."""

    LOCAL = "local"
    UTC = "utc"


class TimeFormat(QObject):
    """How times are shown; ``changed`` when the zone is switched."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.zone = Zone.LOCAL

    def switch(self) -> None:
        """The other zone."""
        self.zone = Zone.UTC if self.zone is Zone.LOCAL else Zone.LOCAL
        self.changed.emit()

    @property
    def name(self) -> str:
        """For the status bar: ``CET (UTC+01:00)`` or ``UTC``."""
        if self.zone is Zone.UTC:
            return "UTC"
        now = datetime.now().astimezone()
        offset = now.strftime("%z")
        return f"{now.tzname()} (UTC{offset[:3]}:{offset[3:]})"

    def time(self, when: datetime | None) -> str:
        """The time of today, the date with it otherwise."""
        if when is None:
            return ""
        local = when.astimezone(self.tz())
        if local.date() == datetime.now(self.tz()).date():
            return local.time().isoformat("seconds")
        return f"{local:%d %b %H:%M}"

    def to_second(self, when: datetime) -> str:
        """As :meth:`time`, with the seconds of other days too: lines of a log are told apart by
        them. Milliseconds of today where there are any."""
        local = when.astimezone(self.tz())
        if local.date() != datetime.now(self.tz()).date():
            return f"{local:%d %b %H:%M:%S}"
        thousandths = when.microsecond // 1000
        return f"{local:%H:%M:%S}.{thousandths:03d}" if thousandths else f"{local:%H:%M:%S}"

    def full(self, when: datetime | None) -> str:
        """Date, time with milliseconds and zone, and how long ago; for tooltips."""
        if when is None:
            return ""
        ago = age(datetime.now(UTC) - when)
        mine = when.astimezone()
        return (
            f"{mine:%Y-%m-%d %H:%M:%S}.{mine.microsecond // 1000:03d} {mine:%Z}\n"
            f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC\n{ago} ago"
        )

    def tz(self) -> tzinfo | None:
        """The zone shown; None is this computer's."""
        return UTC if self.zone is Zone.UTC else None


def age(span: object) -> str:
    """A time span in its two largest units: ``2d 4h``, ``41m``, ``3s``."""
    from datetime import timedelta

    assert isinstance(span, timedelta)
    seconds = max(0, int(span.total_seconds()))
    days, seconds = divmod(seconds, 86400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    if days:
        return f"{days}d {hours}h" if hours else f"{days}d"
    if hours:
        return f"{hours}h {minutes}m" if minutes else f"{hours}h"
    return f"{minutes}m" if minutes else f"{seconds}s"


def octets(size: int | None) -> str:
    """A size: ``38 KB``, ``4.1 MB``."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} B"
    value, unit = size / 1000, "KB"
    for bigger in ("MB", "GB"):
        if value < 999.5:
            break
        value, unit = value / 1000, bigger
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def seconds(span: float | None) -> str:
    """A delay: ``17 ms``, ``2.3 s``, ``4m``."""
    if span is None:
        return ""
    if span < 1:
        return f"{span * 1000:.0f} ms"
    if span < 100:
        return f"{span:.1f} s"
    from datetime import timedelta

    return age(timedelta(seconds=span))


TIMES = TimeFormat()
"""One switch for the whole window."""
