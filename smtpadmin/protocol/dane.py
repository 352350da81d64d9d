"""What DANE says of a server's certificates. Pure; RFC 6698 section 2.1, RFC 7671, RFC 7672 section 3.1.

Whether the TLSA records themselves may be believed (DNSSEC) is for the caller to know.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

from smtpadmin.model.dns import TlsaRecord

TRUST_ANCHOR, END_ENTITY = 2, 3
_HASHES: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: lambda octets: hashlib.sha256(octets).digest(),
    2: lambda octets: hashlib.sha512(octets).digest(),
}


def dane_match(
    chain: Sequence[bytes], records: Sequence[TlsaRecord], *, name_fits: bool, chain_holds: bool
) -> TlsaRecord | None:
    """The first record that the served chain satisfies. For DANE-EE neither name nor date counts;
    for DANE-TA the certificates must lead to the anchor (``chain_holds``) and name the host."""
    for record in records:
        if record.usage == END_ENTITY and chain and _is(chain[0], record):
            return record
        anchored = any(_is(der, record) for der in chain[1:])
        if record.usage == TRUST_ANCHOR and anchored and name_fits and chain_holds:
            return record
    return None


def usable(records: Sequence[TlsaRecord]) -> list[TlsaRecord]:
    """The records that SMTP may use: neither PKIX-TA nor PKIX-EE (RFC 7672 section 3.1.3)."""
    return [
        record
        for record in records
        if record.usage in (TRUST_ANCHOR, END_ENTITY)
        and record.selector in (0, 1)
        and record.matching in _HASHES
    ]


def _is(der: bytes, record: TlsaRecord) -> bool:
    octets = der if record.selector == 0 else _key_of(der)
    found = _HASHES[record.matching](octets) if record.matching in _HASHES else b""
    return bool(octets) and hmac.compare_digest(found, record.data)


def _key_of(der: bytes) -> bytes:
    """The SubjectPublicKeyInfo; empty for a certificate that cannot be read."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except ValueError:
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
