"""The trace field that the server puts before a message. Pure function."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import format_datetime


def received_field(
    *,
    helo: str,
    client: str,
    by: str,
    protocol: str,
    queue_id: str,
    when: datetime,
) -> bytes:
    """The trace field of RFC 5321 section 4.4, folded, with CRLF line ends."""
    safe_helo = re.sub(r"[^!-~]", "?", helo)[:255] or "unknown"
    lines = (
        f"Received: from {safe_helo} ([{client}])",
        f"\tby {by} (smtpadmin) with {protocol} id {queue_id};",
        f"\t{format_datetime(when)}",
    )
    return "\r\n".join(lines).encode("ascii", "replace") + b"\r\n"
