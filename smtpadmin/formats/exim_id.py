"""Exim's message IDs: their grammar, and the time of arrival that they hold.

Up to 4.96 an ID has the parts 6-6-2 (``1xVViO-0006Oq-2l``), from 4.97 on 6-11-4
(``16VDhn-000000001bo-D342``); one spool may hold both. The first part is the second of arrival in
base 62, or in base 36 where file names ignore case (macOS, Cygwin). Exim specification, "Message
identification".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

PATTERN = r"[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})"
"""An ID inside a text; for a whole string use :func:`is_message_id`."""

BASE_62, BASE_36 = 62, 36
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_WHOLE = re.compile(PATTERN, re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_message_id(text: str) -> bool:
    """Whether ``text`` is an ID and nothing else, and so may become an argument of a command.

    >>> is_message_id("1xVViO-0006Oq-2l"), is_message_id("-bd")
    (True, False)
    """
    return _WHOLE.fullmatch(text) is not None


def arrival_of(message_id: str, base: int = BASE_62) -> datetime | None:
    """The second of arrival, in UTC; None when the text is no ID or not of that base.

    >>> arrival_of("1ZqoiG-0006Oq-2l")
    datetime.datetime(2015, 10, 26, 20, 49, 52, tzinfo=datetime.timezone.utc)
    """
    if not is_message_id(message_id):
        return None
    seconds = 0
    for character in message_id[:6]:
        digit = _DIGITS.index(character)
        if digit >= base:
            return None
        seconds = seconds * base + digit
    return _EPOCH + timedelta(seconds=seconds)
