"""TLSA records beside a chain: each usage, selector and matching type."""

from __future__ import annotations

import hashlib
import ssl

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.dns import TlsaRecord
from smtpadmin.protocol.dane import dane_match, usable

CA = trustme.CA()
LEAF = CA.create_child_ca().issue_cert("mx.example")
CHAIN = [ssl.PEM_cert_to_DER_cert(pem.bytes().decode()) for pem in LEAF.cert_chain_pems]


def spki(der: bytes) -> bytes:
    key = x509.load_der_x509_certificate(der).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def record(usage: int, selector: int, matching: int, der: bytes) -> TlsaRecord:
    octets = der if selector == 0 else spki(der)
    hashed = {0: octets, 1: hashlib.sha256(octets).digest(), 2: hashlib.sha512(octets).digest()}
    return TlsaRecord(usage, selector, matching, hashed[matching])


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_end_entity_and_trust_anchor(selector: int, matching: int) -> None:
    ee, ta = record(3, selector, matching, CHAIN[0]), record(2, selector, matching, CHAIN[1])
    assert dane_match(CHAIN, [ee], name_fits=False, chain_holds=False) == ee
    assert dane_match(CHAIN, [ta], name_fits=True, chain_holds=True) == ta
    assert dane_match(CHAIN, [ta], name_fits=False, chain_holds=True) is None
    assert dane_match(CHAIN, [ta], name_fits=True, chain_holds=False) is None


def test_another_certificate_does_not_fit() -> None:
    other = record(3, 1, 1, CHAIN[1])
    assert dane_match(CHAIN, [other], name_fits=True, chain_holds=True) is None
    assert dane_match([], [record(3, 1, 1, CHAIN[0])], name_fits=True, chain_holds=True) is None
    assert (
        dane_match([b"junk"], [record(3, 1, 1, CHAIN[0])], name_fits=True, chain_holds=True) is None
    )


def test_pkix_usages_are_not_used() -> None:
    records = [record(usage, 1, 1, CHAIN[0]) for usage in (0, 1, 2, 3)]
    assert [one.usage for one in usable(records)] == [2, 3]
    assert usable([TlsaRecord(3, 7, 1, b""), TlsaRecord(3, 1, 9, b"")]) == []


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=70))
def test_any_record(usage: int, selector: int, matching: int, data: bytes) -> None:
    found = dane_match(
        CHAIN, [TlsaRecord(usage, selector, matching, data)], name_fits=True, chain_holds=True
    )
    assert found is None or usage in (2, 3)
