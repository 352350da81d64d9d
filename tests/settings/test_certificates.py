"""What stands in the certificates."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from smtpadmin.settings.certificates import CA_DAYS, make_certificate

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def load(folder: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((folder / "server.pem").read_bytes())


def names_of(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_the_chain_is_signed_by_the_authority(tmp_path: Path) -> None:
    make_certificate(tmp_path, "mail.acme.example", NOW)
    server, authority = load(tmp_path)
    server.verify_directly_issued_by(authority)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert server.not_valid_after_utc == NOW + timedelta(days=397)


def test_the_names_of_the_host_and_of_loopback(tmp_path: Path) -> None:
    make_certificate(tmp_path, "Pöst.example", NOW)
    names = names_of(load(tmp_path)[0])
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "xn--pst-sna.example"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_a_host_named_by_its_address(tmp_path: Path) -> None:
    make_certificate(tmp_path, "10.0.0.5", NOW)
    names = names_of(load(tmp_path)[0])
    assert ipaddress.ip_address("10.0.0.5") in names.get_values_for_type(x509.IPAddress)
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]


def test_a_very_long_name_and_none_at_all(tmp_path: Path) -> None:
    long = ".".join(["a" * 60] * 3)
    make_certificate(tmp_path, long, NOW)
    assert long in names_of(load(tmp_path)[0]).get_values_for_type(x509.DNSName)
    make_certificate(tmp_path, "", NOW)
    assert names_of(load(tmp_path)[0]).get_values_for_type(x509.DNSName) == ["localhost"]


def test_an_authority_near_its_end_is_replaced(tmp_path: Path) -> None:
    make_certificate(tmp_path, "h.example", NOW)
    first = load(tmp_path)[1]
    make_certificate(tmp_path, "h.example", NOW + timedelta(days=CA_DAYS - 400))
    assert load(tmp_path)[1] == first
    make_certificate(tmp_path, "h.example", NOW + timedelta(days=CA_DAYS - 390))
    server, second = load(tmp_path)
    assert second != first
    server.verify_directly_issued_by(second)


def test_somebody_elses_key_is_not_used(tmp_path: Path) -> None:
    make_certificate(tmp_path, "h.example", NOW)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "ca.key").write_bytes(
        other.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.raises(ValueError, match="not a key of ours"):
        make_certificate(tmp_path, "h.example", NOW)
