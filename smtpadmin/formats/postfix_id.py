"""Postfix queue IDs: what one looks like, and the moment that a long one holds.

Source: ``src/global/mail_queue.h``. Short: hex digits of microseconds and inode, used again within
minutes. Long (``enable_long_queue_ids``): seconds in base 52, 4 digits of microseconds, ``z``, inode
in base 51, of digits and letters without vowels; never used again.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ALPHABET = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
_ANY = re.compile(r"[0-9A-Za-z]{6,40}")
_LONG = re.compile(rf"([{_ALPHABET}]{{6,8}})([{_ALPHABET[:-1]}]{{4}})z([{_ALPHABET[:-1]}]{{1,20}})")


def is_queue_id(text: str) -> bool:
    """Whether the text may be a queue ID of this server, and so an argument of its commands.

    >>> is_queue_id("5995920C316"), is_queue_id("4jZTPp2myczJ9Sv"), is_queue_id("-d")
    (True, True, False)
    """
    return _ANY.fullmatch(text) is not None


def long_id_time(queue_id: str) -> datetime | None:
    """When the message of a long queue ID arrived, to the second; None for any other ID.

    >>> long_id_time("4ZqYt00000z1").isoformat()
    '2025-05-03T16:59:20+00:00'
    """
    found = _LONG.fullmatch(queue_id)
    if found is None:
        return None
    seconds = 0
    for symbol in found[1]:
        seconds = seconds * len(_ALPHABET) + _ALPHABET.index(symbol)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
