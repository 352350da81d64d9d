"""SCRAM-SHA-1 and SCRAM-SHA-256, with and without channel binding. RFC 5802, RFC 7677, RFC 5929,
RFC 9266. Sans-I/O. The server must prove that it knows the password; one that does not is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets

from smtpadmin.model.errors import LoginError, ProtocolError, UsageError
from smtpadmin.protocol.sasl import Credentials
from smtpadmin.protocol.saslprep import saslprep
from smtpadmin.util.text import decode_line, visible

MOST_ROUNDS = 1_000_000
"""A hostile server could ask for days of work."""
FEWEST_ROUNDS = 4096
BINDINGS = ("tls-exporter", "tls-unique", "tls-server-end-point")
"""In order of preference; RFC 9266 for TLS 1.3, RFC 5929 for the others."""
_FIRST = re.compile(r"r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,9})(?:,.*)?")


def gs2_name(name: str) -> str:
    """A name as a SCRAM or GS2 message spells it (RFC 5802 section 5.1)."""
    return name.replace("=", "=3D").replace(",", "=2C")


class Scram:
    """One login. ``nonce`` is for test vectors alone."""

    def __init__(self, who: Credentials, digest: str, *, plus: bool, nonce: str = "") -> None:
        self.trouble = b""
        self.proven = False
        self._digest = digest
        self._password = saslprep(who.secret, "the password").encode()
        self._nonce = nonce or secrets.token_urlsafe(24)
        self._gs2, self._binding = _gs2(who, plus=plus)
        name = gs2_name(saslprep(who.user, "the user"))
        self._bare = f"n={name},r={self._nonce}"
        self._step = 0
        self._proof_of_server = b""

    def initial(self) -> bytes | None:
        self._step = 1
        return f"{self._gs2}{self._bare}".encode()

    def answer(self, challenge: bytes) -> bytes:
        if self._step == 0:
            return self.initial() or b""
        self._step += 1
        if self._step == 2:
            return self._final(challenge)
        if self._step == 3:
            self._verify(challenge)
            return b""
        raise ProtocolError("the server goes on after the end of SCRAM")

    def _final(self, challenge: bytes) -> bytes:
        found = _FIRST.fullmatch(challenge.decode("ascii", "replace"))
        if not found or not found[1].startswith(self._nonce) or found[1] == self._nonce:
            raise ProtocolError("the server's first SCRAM message makes no sense")
        rounds = int(found[3])
        if rounds > MOST_ROUNDS:
            raise ProtocolError(f"the server asks for {rounds} rounds, which no one would do")
        bound = base64.b64encode(self._gs2.encode() + self._binding).decode()
        last = f"c={bound},r={found[1]}"
        message = f"{self._bare},{found[0]},{last}".encode()
        salted = hashlib.pbkdf2_hmac(self._digest, self._password, _decoded(found[2]), rounds)
        key = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self._digest, key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        self._proof_of_server = self._hmac(self._hmac(salted, b"Server Key"), message)
        return f"{last},p={base64.b64encode(proof).decode()}".encode()

    def _verify(self, challenge: bytes) -> None:
        if challenge.startswith(b"e="):
            self.trouble = challenge
            return
        sent = _decoded(challenge.partition(b",")[0].removeprefix(b"v=").decode("ascii", "replace"))
        if not hmac.compare_digest(sent, self._proof_of_server):
            raise LoginError(
                "the server could not prove that it knows the password",
                remedy="It may not be the server it says it is: do not log in there.",
            )
        self.proven = True

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, self._digest).digest()


def _gs2(who: Credentials, *, plus: bool) -> tuple[str, bytes]:
    """The GS2 header (RFC 5801 section 4) and the octets that bind to the channel."""
    name = f"a={gs2_name(saslprep(who.authorize_as, 'the user'))}" if who.authorize_as else ""
    if not plus:
        return f"n,{name},", b""
    for kind in BINDINGS:
        if who.bindings.get(kind):
            return f"p={kind},{name},", who.bindings[kind]
    raise UsageError(
        "there is no channel to bind to",
        where="AUTH",
        remedy="SCRAM with -PLUS needs TLS.",
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        shown = visible(decode_line(text.encode()), 40)
        raise ProtocolError(f"this is not Base64: {shown}") from error
