"""One server on the way of a message, as its ``Received`` field tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hop:
    """One server on the way. ``sender`` is the name that the client gave itself, ``client_name`` its
    reverse name; ``delay`` in seconds since the hop before, negative when clocks differ, None when
    a time is missing."""

    sender: str = ""
    client_name: str = ""
    address: str = ""
    by: str = ""
    protocol: str = ""
    queue_id: str = ""
    recipient: str = ""
    time: datetime | None = None
    delay: float | None = None
    tls: bool = False
    text: str = ""
