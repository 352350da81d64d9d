"""Whose fault it is, as types: every failure that a person may be told of.

An error carries fields, not prose: *what* failed, *where*, and *remedy* (what to do). Faces (command
line, window) word them; nothing below builds a dialog. A bug of ours is any other exception.
"""

from __future__ import annotations


class SmtpadminError(Exception):
    """A failure that may be shown: one clear sentence of what, where and what to do."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "", detail: str = "") -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head.rstrip('.')}. {self.remedy}" if self.remedy else head


class UsageError(SmtpadminError):
    """What the user typed does not fit; nothing was done."""

    exit_code = 2


class UnreachableError(SmtpadminError, ConnectionError):
    """The server could not be reached, or the connection broke."""

    exit_code = 3


class TotalDeadlineError(UnreachableError, TimeoutError):
    """The server answered too slowly, or not at all, within the total deadline."""


class LoginError(SmtpadminError):
    """The server was reached and refused the login."""

    exit_code = 3


class UntrustedError(UnreachableError):
    """A certificate or host key that is not trusted; ``fingerprint`` is its SHA-256 in hex and
    ``place`` the key of ``Profile.trust`` under which it would be accepted."""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        remedy: str = "",
        detail: str = "",
        fingerprint: str = "",
        changed: bool = False,
        place: str = "",
    ) -> None:
        super().__init__(what, where=where, remedy=remedy, detail=detail)
        self.fingerprint = fingerprint
        self.changed = changed
        self.place = place


class NotPermittedError(SmtpadminError):
    """The account, or the profile's safety level, does not allow this."""

    exit_code = 4


class ProtocolError(UnreachableError):
    """The server's answer does not follow its protocol."""


class ServerRefusedError(SmtpadminError):
    """The server understood and said no."""


class StorageError(SmtpadminError):
    """A file, a spool or a keyring could not be read or written."""


class KeyringError(StorageError):
    """The OS keyring is missing, locked, hanging or not safe enough."""

    exit_code = 3


NOT_MENDED_BY_WAITING = (LoginError, UntrustedError, NotPermittedError)
"""Trying again by itself is useless after these, and a second wrong password may lock an account."""
