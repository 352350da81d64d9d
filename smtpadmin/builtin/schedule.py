"""When to try again, when to give up, when to tell the sender. Pure functions of times.

RFC 5321 section 4.5.4.1: the first retries come soon, later ones rarely, and give-up is after days.
"""

from __future__ import annotations

import zlib

from smtpadmin.builtin.config import Schedule


def retry_delay(schedule: Schedule, tries: int, queue_id: str) -> float:
    """Seconds until the next try after ``tries`` failed ones (at least 1).

    The last step repeats. A jitter of up to ``schedule.jitter`` of the step, fixed by queue ID and
    number of tries, keeps messages that failed together from coming back together.
    """
    step = schedule.retry_s[min(tries, len(schedule.retry_s)) - 1]
    fraction = zlib.crc32(f"{queue_id}/{tries}".encode()) / 0xFFFFFFFF
    return step * (1 + schedule.jitter * fraction)


def next_try(schedule: Schedule, now: float, tries: int, queue_id: str, expires: float) -> float:
    """The time of the next try: never after ``expires``, so that a message ends when it said."""
    return min(now + retry_delay(schedule, tries, queue_id), max(expires, now))


def is_expired(now: float, expires: float) -> bool:
    """Whether the last try was the last one."""
    return now >= expires


def delay_notice_due(schedule: Schedule, now: float, arrived: float, notified: bool) -> bool:
    """Whether the sender should now be told of the delay; once for each message."""
    return not notified and schedule.delay_notice_s > 0 and now - arrived >= schedule.delay_notice_s
