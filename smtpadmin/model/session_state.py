"""How a connection to a server is, in one word."""

from __future__ import annotations

import enum


class SessionState(enum.StrEnum):
    """``stale``: it was there, the last try failed, old data is shown."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    STALE = "stale"
    OFFLINE = "offline"
    AUTHENTICATION_FAILED = "authentication-failed"
    UNTRUSTED = "untrusted"
    PERMISSION_DENIED = "permission-denied"
    CLOSED = "closed"
