"""Tokens in a test message, filled in when it is sent: ``%FROM_ADDRESS%``, ``%N%`` and others.

swaks' tokens of the same name mean the same. One pass: what is filled in is not looked at again, so
that an address cannot bring a token with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

_TOKEN = re.compile(r"%([A-Z_]{1,20})%")
_OCTETS = re.compile(rb"%([A-Z_]{1,20})%")
NAMES = ("FROM_ADDRESS", "TO_ADDRESS", "CC_ADDRESS", "BCC_ADDRESS", "DATE", "MESSAGEID", "N", "TIMES", "SERVER", "VERSION", "NEWLINE")  # fmt: skip


def token_values(
    *,
    sender: str,
    to: str,
    cc: str = "",
    bcc: str = "",
    when: datetime,
    message_id: str,
    n: int = 1,
    times: int = 1,
    server: str = "",
    version: str = "",
) -> dict[str, str]:
    """``n`` of ``times``: which of several messages this is."""
    return {
        "FROM_ADDRESS": sender,
        "TO_ADDRESS": to,
        "CC_ADDRESS": cc,
        "BCC_ADDRESS": bcc,
        "DATE": format_datetime(when),
        "MESSAGEID": message_id,
        "N": str(n),
        "TIMES": str(times),
        "SERVER": server,
        "VERSION": version,
        "NEWLINE": "\n",
    }


def fill(text: str, values: Mapping[str, str]) -> str:
    """Unknown tokens stay as they are."""
    if "%" not in text:
        return text
    return _TOKEN.sub(lambda found: values.get(found[1], found[0]), text)


def fill_octets(octets: bytes, values: Mapping[str, str]) -> bytes:
    """The same for a message that need not be text."""
    if b"%" not in octets:
        return octets
    coded = {name.encode(): value.encode("utf-8") for name, value in values.items()}
    coded[b"NEWLINE"] = b"\r\n"
    return _OCTETS.sub(lambda found: coded.get(found[1], found[0]), octets)
