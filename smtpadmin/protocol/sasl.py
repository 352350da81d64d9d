"""The client's side of SASL mechanisms. Sans-I/O: challenges in, responses out, both as octets
without Base64.

PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), CRAM-MD5 (RFC 2195) and CRAM-SHA1 alike,
EXTERNAL (RFC 4422), XOAUTH2 (Google's), OAUTHBEARER (RFC 7628); SCRAM stands in ``sasl_scram``.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from smtpadmin.model.errors import UsageError


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in. ``secret`` is the password, or the access token. ``bindings`` are the channel
    bindings of the TLS session by name (RFC 5929, RFC 9266)."""

    user: str
    secret: str = field(repr=False)
    authorize_as: str = ""
    host: str = ""
    port: int = 0
    bindings: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class Mechanism(Protocol):
    """One login. ``trouble`` is what the server said that a person should read; ``proven`` whether
    the server has shown that it knows the secret too, which only SCRAM asks for."""

    trouble: bytes
    proven: bool

    def initial(self) -> bytes | None:
        """The initial response, or None when the server speaks first."""
        ...

    def answer(self, challenge: bytes) -> bytes:
        """The response to a challenge. Raises ProtocolError or LoginError."""
        ...


class _Simple:
    """A mechanism that says everything at once, or gives its parts one by one."""

    def __init__(self, *parts: bytes, at_once: bool) -> None:
        self.trouble = b""
        self.proven = True
        self._parts = list(parts)
        self._at_once = at_once

    def initial(self) -> bytes | None:
        return self._parts.pop(0) if self._at_once else None

    def answer(self, challenge: bytes) -> bytes:
        # A server that asks more often than there are answers gets empty ones, and then refuses.
        return self._parts.pop(0) if self._parts else b""


class _Cram:
    def __init__(self, credentials: Credentials, digest: str) -> None:
        self.trouble = b""
        self.proven = True
        self._who = credentials
        self._digest = digest

    def initial(self) -> bytes | None:
        return None

    def answer(self, challenge: bytes) -> bytes:
        key = self._who.secret.encode()
        return f"{self._who.user} {hmac.new(key, challenge, self._digest).hexdigest()}".encode()


class _Bearer:
    """A refusal comes as a challenge in JSON, which must be answered before the reply."""

    def __init__(self, first: str, goodbye: bytes) -> None:
        self.trouble = b""
        self.proven = True
        self._first = first.encode()
        self._goodbye = goodbye
        self._said = False

    def initial(self) -> bytes | None:
        self._said = True
        return self._first

    def answer(self, challenge: bytes) -> bytes:
        if not self._said:
            self._said = True
            return self._first
        self.trouble = challenge
        return self._goodbye


def _xoauth2(who: Credentials) -> Mechanism:
    return _Bearer(f"user={who.user}\x01auth=Bearer {who.secret}\x01\x01", b"")


def _oauthbearer(who: Credentials) -> Mechanism:
    from smtpadmin.protocol.sasl_scram import gs2_name

    name = f"a={gs2_name(who.authorize_as or who.user)}" if who.user or who.authorize_as else ""
    where = f"host={who.host}\x01port={who.port}\x01" if who.host else ""
    return _Bearer(f"n,{name},\x01{where}auth=Bearer {who.secret}\x01\x01", b"\x01")


def _plain(who: Credentials) -> Mechanism:
    return _Simple(f"{who.authorize_as}\0{who.user}\0{who.secret}".encode(), at_once=True)


def _login(who: Credentials) -> Mechanism:
    return _Simple(who.user.encode(), who.secret.encode(), at_once=False)


def _login_initial(who: Credentials) -> Mechanism:
    return _Simple(who.user.encode(), who.secret.encode(), at_once=True)


def _external(who: Credentials) -> Mechanism:
    return _Simple(who.authorize_as.encode(), at_once=True)


def _scram(digest: str, *, plus: bool) -> Callable[[Credentials], Mechanism]:
    def make(who: Credentials) -> Mechanism:
        from smtpadmin.protocol.sasl_scram import Scram

        return Scram(who, digest, plus=plus)

    return make


MAKERS: Mapping[str, Callable[[Credentials], Mechanism]] = {
    "SCRAM-SHA-256-PLUS": _scram("sha256", plus=True),
    "SCRAM-SHA-256": _scram("sha256", plus=False),
    "SCRAM-SHA-1-PLUS": _scram("sha1", plus=True),
    "SCRAM-SHA-1": _scram("sha1", plus=False),
    "PLAIN": _plain,
    "LOGIN": _login,
    "LOGIN-INITIAL": _login_initial,
    "CRAM-MD5": lambda who: _Cram(who, "md5"),
    "CRAM-SHA1": lambda who: _Cram(who, "sha1"),
    "XOAUTH2": _xoauth2,
    "OAUTHBEARER": _oauthbearer,
    "EXTERNAL": _external,
}
"""``LOGIN-INITIAL`` is LOGIN with the user name as initial response."""
ENCRYPTED_ORDER = ("PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "CRAM-SHA1")
CLEAR_ORDER = ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-SHA1", "CRAM-MD5", "LOGIN", "PLAIN")
"""What is taken when nothing is asked for: where others listen, first what hides the password. A
mechanism for tokens or certificates is never taken unasked."""
NEEDS_NO_SECRET = ("EXTERNAL",)


def wire_name(mechanism: str) -> str:
    """As AUTH names it."""
    return "LOGIN" if mechanism == "LOGIN-INITIAL" else mechanism


def start(mechanism: str, who: Credentials) -> Mechanism:
    """Begin a login. Raises UsageError for an unknown mechanism and for what it cannot send."""
    if mechanism not in MAKERS:
        raise UsageError(f"{mechanism[:40]!r} is no login method", where="AUTH")
    names = (("the user", who.user), ("the password", who.secret))
    for what, value in (*names, ("the authorization identity", who.authorize_as)):
        _check(what, value)
    if mechanism in ("XOAUTH2", "OAUTHBEARER") and "\x01" in who.user + who.secret:
        raise UsageError("user and token must not hold control characters", where="AUTH")
    return MAKERS[mechanism](who)


def _check(what: str, value: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        # Not chained: the cause would quote the value.
        raise UsageError(f"{what} is not valid UTF-8") from None
    if "\0" in value:
        raise UsageError(f"{what} must not hold NUL", remedy="RFC 4616 forbids it.")
