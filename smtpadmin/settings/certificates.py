"""Makes the certificate authority, a server's certificate, and bad ones for tests of clients. Heavy
to import; rarely needed.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from smtpadmin.model.catch import BadCertificate
from smtpadmin.settings.files import write_private
from smtpadmin.settings.server_tls import MADE_FOR, SERVER_DAYS

CA_DAYS = 3650
WRONG_NAME = "another-host.invalid"
EXPIRED_DAYS = 30
Key = ec.EllipticCurvePrivateKey


def make_certificate(folder: Path, hostname: str, now: datetime) -> None:
    """Write the authority (unless one exists that lasts) and a fresh certificate for
    ``hostname``. Raises OSError, and ValueError for files that hold something else."""
    ca_key, ca_certificate = _authority(folder, now)
    key = ec.generate_private_key(ec.SECP256R1())
    signed_by = (ca_certificate.subject, ca_key)
    certificate = _server_certificate(hostname, _names(hostname), key.public_key(), *signed_by, now)
    write_private(folder / "server.key", _key_pem(key))
    write_private(folder / "server.pem", _pem(certificate) + _pem(ca_certificate))
    last_day = certificate.not_valid_after_utc.isoformat()
    write_private(folder / MADE_FOR, f"{hostname}\n{last_day}\n".encode())


def make_bad_certificate(folder: Path, kind: BadCertificate, hostname: str, now: datetime) -> None:
    """Write ``KIND.pem`` and ``KIND.key``: wrong in this one thing, right in all others. Raises what
    :func:`make_certificate` raises."""
    ca_key, ca_certificate = _authority(folder, now)
    key = ec.generate_private_key(ec.SECP256R1())
    if kind is BadCertificate.SELF_SIGNED:
        name = _subject(hostname)
        signed_by = (name, key)
    else:
        signed_by = (ca_certificate.subject, ca_key)
    began = now
    if kind is BadCertificate.EXPIRED:
        began -= timedelta(days=SERVER_DAYS + EXPIRED_DAYS)
    names = (
        x509.SubjectAlternativeName([x509.DNSName(WRONG_NAME)])
        if kind is BadCertificate.WRONG_NAME
        else _names(hostname)
    )
    subject = WRONG_NAME if kind is BadCertificate.WRONG_NAME else hostname
    certificate = _server_certificate(subject, names, key.public_key(), *signed_by, began)
    chain = b"" if kind is BadCertificate.SELF_SIGNED else _pem(ca_certificate)
    write_private(folder / f"{kind}.key", _key_pem(key))
    write_private(folder / f"{kind}.pem", _pem(certificate) + chain)


def _authority(folder: Path, now: datetime) -> tuple[Key, x509.Certificate]:
    if (folder / "ca.key").exists() and (folder / "ca.pem").exists():
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("ca.key is not a key of ours")
        if certificate.not_valid_after_utc > now + timedelta(days=SERVER_DAYS):
            return key, certificate
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _authority_certificate(key, now)
    write_private(folder / "ca.key", _key_pem(key))
    write_private(folder / "ca.pem", _pem(certificate))
    return key, certificate


def _authority_certificate(key: Key, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "smtpadmin built-in CA")])
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        _builder(name, name, key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(for_ca=True), critical=True)
        .add_extension(key_id, critical=False)
        .sign(key, hashes.SHA256())
    )


def _server_certificate(
    hostname: str,
    names: x509.SubjectAlternativeName,
    public_key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    ca_key: Key,
    now: datetime,
) -> x509.Certificate:
    key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _builder(_subject(hostname), issuer, public_key, now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(for_ca=False), critical=True)
        .add_extension(names, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(key_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _subject(hostname: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hostname[:64] or "server")])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
    )


def _names(hostname: str) -> x509.SubjectAlternativeName:
    """The host's name, as DNS writes it, and the names of loopback."""
    addresses = ["127.0.0.1", "::1"]
    names = ["localhost"]
    try:
        addresses.append(str(ipaddress.ip_address(hostname)))
    except ValueError:
        names += [hostname.encode("idna").decode("ascii")] if hostname else []
    found: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys(names)]
    found += [x509.IPAddress(ipaddress.ip_address(text)) for text in dict.fromkeys(addresses)]
    return x509.SubjectAlternativeName(found)


def _key_usage(*, for_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=for_ca,
        crl_sign=for_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
