"""SCRAM against the examples of RFC 5802 and RFC 7677, and servers that lie."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from smtpadmin.model.errors import LoginError, ProtocolError, UsageError
from smtpadmin.protocol.sasl import Credentials
from smtpadmin.protocol.sasl_scram import Scram, gs2_name

WHO = Credentials("user", "pencil")
FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
LAST = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
NONCE = "rOprNGfwEbeRWgbNEkqO"


def sha256() -> Scram:
    return Scram(WHO, "sha256", plus=False, nonce=NONCE)


def test_scram_sha_1_of_rfc_5802_section_5() -> None:
    found = Scram(WHO, "sha1", plus=False, nonce="fyko+d2lbbFgONRv9qkxdawL")
    assert found.initial() == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    first = b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
    assert found.answer(first) == (
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
    )
    assert not found.proven
    assert found.answer(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=") == b""
    assert found.proven


def test_scram_sha_256_of_rfc_7677_section_3() -> None:
    found = sha256()
    assert found.initial() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert found.answer(FIRST) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert found.answer(LAST) == b""
    assert found.proven


def test_a_server_that_does_not_know_the_password() -> None:
    found = sha256()
    found.initial()
    found.answer(FIRST)
    with pytest.raises(LoginError, match="could not prove"):
        found.answer(b"v=" + base64.b64encode(b"\0" * 32))
    assert not found.proven


def test_a_server_that_says_no() -> None:
    found = sha256()
    found.initial()
    found.answer(FIRST)
    assert found.answer(b"e=invalid-proof") == b""
    assert (found.proven, found.trouble) == (False, b"e=invalid-proof")


@pytest.mark.parametrize(
    "first",
    [
        b"", b"\xff", b"r=other,s=W22Z,i=4096", b"r=rOprNGfwEbeRWgbNEkqO,s=W22Z,i=4096",
        FIRST.replace(b"i=4096", b"i=0"), FIRST.replace(b"i=4096", b"i=9999999999"),
        FIRST.replace(b"s=W22", b"s=="), b"m=x," + FIRST,
    ],
)  # fmt: skip
def test_a_first_message_that_makes_no_sense(first: bytes) -> None:
    found = sha256()
    found.initial()
    with pytest.raises(ProtocolError):
        found.answer(first)


def test_after_the_end_nothing_more() -> None:
    found = sha256()
    found.initial()
    found.answer(FIRST)
    found.answer(LAST)
    with pytest.raises(ProtocolError, match="after the end"):
        found.answer(b"more")


def test_names_and_the_other_identity() -> None:
    assert gs2_name("a=b,c") == "a=3Db=2Cc"
    who = Credentials("a=b,c", "x", authorize_as="boss")
    assert Scram(who, "sha1", plus=False, nonce="N").initial() == b"n,a=boss,n=a=3Db=2Cc,r=N"


@pytest.mark.parametrize("kind", ["tls-exporter", "tls-unique", "tls-server-end-point"])
def test_plus_binds_to_the_channel(kind: str) -> None:
    """Verified as a server does (RFC 5802 section 3): the client's proof covers the binding."""
    who = Credentials("user", "pencil", bindings={kind: b"\x01\x02binding"})
    found = Scram(who, "sha256", plus=True, nonce=NONCE)
    first = found.initial()
    assert first == f"p={kind},,n=user,r={NONCE}".encode()
    final = found.answer(FIRST)
    channel, _, _ = final.partition(b",")
    assert base64.b64decode(channel[2:]) == f"p={kind},,".encode() + b"\x01\x02binding"
    without, _, proof = final.rpartition(b",p=")
    salted = hashlib.pbkdf2_hmac(
        "sha256", b"pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096
    )
    key = hmac.new(salted, b"Client Key", "sha256").digest()
    message = b",".join([first.partition(b",,")[2], FIRST, without])
    signature = hmac.new(hashlib.sha256(key).digest(), message, "sha256").digest()
    assert bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True)) == key


def test_plus_without_a_channel() -> None:
    with pytest.raises(UsageError, match="no channel"):
        Scram(WHO, "sha256", plus=True)


def test_nonces_differ() -> None:
    assert Scram(WHO, "sha256", plus=False).initial() != Scram(WHO, "sha256", plus=False).initial()
