"""Decides what of a session's lines may be shown. Sans-I/O; knows AUTH (RFC 4954), keeps nothing.

Two guards. The dialogue: after ``AUTH`` every line of the client is secret until the server has
answered *that line* with anything but 334; a line that the server says out of turn changes nothing,
or a hostile one could end the secrecy before the password is sent. And the values: the secrets
themselves, plain and in Base64, are blotted out wherever they turn up, for servers echo them.
"""

from __future__ import annotations

import base64
import enum
import re
from collections.abc import Sequence

from smtpadmin.util.text import decode_line

REDACTED = b"<redacted>"
SHORTEST = 4
"""Octets of the shortest secret that is blotted out by value: a shorter one would be in every
line, and its gaps would tell it."""

_AUTH = re.compile(rb"(AUTH[ \t]+[A-Z0-9_-]+)(?:[ \t]+(.*))?", re.I | re.S)
_FINAL = re.compile(rb"[2-5]\d\d(?: |$)")
_PROMPTS = (b"334 VXNlcm5hbWU6", b"334 UGFzc3dvcmQ6", b"334 ", b"334")
"""``Username:`` and ``Password:`` of AUTH LOGIN, and the empty challenge, tell nothing secret."""


class _Turn(enum.Enum):
    """Whose turn it is in an AUTH dialogue."""

    NONE = enum.auto()
    SERVER = enum.auto()
    CLIENT = enum.auto()


class Redactor:
    """Feed it each line of both sides in order; it gives what may be shown."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        found = {form for secret in secrets for form in _forms(secret)}
        self._secrets = sorted(found, key=len, reverse=True)
        self._turn = _Turn.NONE

    @property
    def longest(self) -> int:
        """Octets of the longest secret, as it is written on the wire."""
        return len(self._secrets[0]) if self._secrets else 0

    def client(self, line: bytes) -> str:
        """What of a client's command, or of its response to a challenge, may be shown."""
        if self._turn is not _Turn.NONE:
            self._turn = _Turn.SERVER
            return "*" if line == b"*" else f"<redacted {len(line)} octets>"
        found = _AUTH.match(line)
        if found is None:
            return self.blot(line)
        self._turn = _Turn.SERVER
        hidden = f" <redacted {len(found[2])} octets>" if found[2] else ""
        return decode_line(found[1]) + hidden

    def secret(self, line: bytes) -> str:
        """A client's line that is known to be secret, whatever the server has said before."""
        self._turn = _Turn.SERVER
        return "*" if line == b"*" else f"<redacted {len(line)} octets>"

    def server(self, line: bytes) -> str:
        """What of a server's line may be shown."""
        if self._turn is _Turn.SERVER:
            if line.startswith(b"334"):
                self._turn = _Turn.CLIENT
                return decode_line(line) if line in _PROMPTS else _challenge(line)
            if _FINAL.match(line):
                self._turn = _Turn.NONE
        return self.blot(line)

    def blot(self, line: bytes) -> str:
        """A line of text without the secrets."""
        for secret in self._secrets:
            line = line.replace(secret, REDACTED)
        return decode_line(line)


def _challenge(line: bytes) -> str:
    return f"334 <challenge, {len(line) - 4} octets>"


def _forms(secret: str) -> tuple[bytes, ...]:
    octets = secret.encode("utf-8", "surrogateescape")
    if len(octets) < SHORTEST:
        return ()
    return octets, base64.b64encode(octets)
