"""Whom a client trusts, and what is told of certificates."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from smtpadmin.model.errors import StorageError, UntrustedError
from smtpadmin.transport.tls import (
    check_pin,
    client_context,
    days_left,
    fingerprint_of,
    names_of,
)


def test_a_client_verifies_chain_and_name_unless_a_certificate_is_pinned(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    strict = client_context(ca_file=str(tmp_path / "ca.pem"))
    assert strict.check_hostname
    assert strict.verify_mode is ssl.CERT_REQUIRED
    assert client_context(fingerprint="ab").verify_mode is ssl.CERT_NONE


def test_a_ca_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing")
    for path in ("x.pem", "gone.pem"):
        with pytest.raises(StorageError, match="CA file cannot be read"):
            client_context(ca_file=str(tmp_path / path))


def test_fingerprints_are_sha_256() -> None:
    assert fingerprint_of(b"").startswith("e3b0c44298fc1c149afbf4c8996fb924")


def test_a_pin_is_the_certificate_itself() -> None:
    check_pin(b"der", fingerprint_of(b"der").upper(), "h")
    with pytest.raises(UntrustedError, match="has changed"):
        check_pin(b"other", fingerprint_of(b"der"), "h")


def test_names_of_no_and_broken_certificates() -> None:
    assert names_of(b"") == ("", "", "")
    assert names_of(b"junk")[0] == "(unreadable certificate)"


def test_days_left() -> None:
    assert days_left("") is None
    left = days_left("2000-01-01")
    assert left is not None
    assert left < 0
