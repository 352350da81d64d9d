"""What is signed can be verified with the published key, and a change is found out."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from smtpadmin.formats.dkim_signature import sign
from smtpadmin.formats.test_message import TestMessage, build
from smtpadmin.model.errors import UsageError

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
RECORD = b"v=DKIM1; k=rsa; p=" + base64.b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)


def lookup(name: bytes, timeout: int = 5) -> bytes:
    assert name == b"test._domainkey.b.example."
    return RECORD


def message() -> bytes:
    raw, _ = build(
        TestMessage("a@b.example", ("c@d.example",), "Grüße", "hällo\n"),
        datetime.now(UTC),
        uuid.uuid4(),
    )
    return raw


def test_it_verifies_and_a_change_does_not() -> None:
    signed = sign(message(), "b.example", "test", PEM)
    assert signed.startswith(b"DKIM-Signature: ")
    assert signed.count(b"\n") == signed.count(b"\r\n")
    assert dkim.DKIM(signed).verify(dnsfunc=lookup)
    for changed in (signed.replace(b"From: a@", b"From: x@"), b"From: evil@x.example\r\n" + signed):
        assert not dkim.verify(changed, dnsfunc=lookup)


@pytest.mark.parametrize(
    "key",
    [b"", b"-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----\n", b"secret"],
)
def test_a_key_that_is_none(key: bytes) -> None:
    with pytest.raises(UsageError) as found:
        sign(message(), "b.example", "test", key)
    assert "secret" not in str(found.value)
