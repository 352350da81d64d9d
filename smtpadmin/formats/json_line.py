"""One line that is a JSON object, as logs hold them."""

from __future__ import annotations

from typing import Any

import msgspec

MOST_OCTETS = 1024 * 1024


def read_object(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None for what is none, or longer than any log writes. Never raises."""
    if len(line) > MOST_OCTETS or b"{" not in line[:8]:
        return None
    try:
        found = msgspec.json.decode(line.lstrip(b"\xef\xbb\xbf\0 \t"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def text_of(value: object) -> str | None:
    """A member as text; None for another type, or empty text."""
    return value if isinstance(value, str) and value else None


def integer_of(value: object) -> int | None:
    """A member as a number; None for another type."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
