"""Password records of the built-in server's users: scrypt with a salt of its own each.

A record is ``scrypt$N$r$p$salt$hash`` (hex). Nothing here keeps a password.
"""

from __future__ import annotations

import hashlib
import hmac
import os

_N, _R, _P = 2**14, 8, 1
NOBODY = f"scrypt${_N}${_R}${_P}${'00' * 16}${'00' * 32}"
"""A record that no password fits, and that takes as long as any to find out."""


def make_record(password: str) -> str:
    """The record to keep for a password."""
    salt = os.urandom(16)
    return f"scrypt${_N}${_R}${_P}${salt.hex()}${_digest(password, salt, _N, _R, _P).hex()}"


def verify(record: str, password: str) -> bool:
    """Whether the password fits the record; takes some 50 ms, so call it in a thread.

    Raises ValueError for a record that is not one of ours.
    """
    kind, n, r, p, salt, digest = record.split("$")
    if kind != "scrypt":
        raise ValueError(f"unknown password record kind {kind!r}")
    given = _digest(password, bytes.fromhex(salt), int(n), int(r), int(p))
    return hmac.compare_digest(given, bytes.fromhex(digest))


def _digest(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    octets = password.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(octets, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)
