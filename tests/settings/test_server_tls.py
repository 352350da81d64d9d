"""Clients that trust the server's authority can talk to it; the files are made once."""

from __future__ import annotations

import ssl
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smtpadmin.model.catch import BadCertificate
from smtpadmin.model.errors import StorageError
from smtpadmin.settings.server_tls import bad_context, ca_path, ensure_certificate, server_context


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str:
    """A handshake in memory; gives the TLS version."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(4):
        for side in (client_side, server_side):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client_side.version() or ""


@pytest.mark.parametrize("name", ["mail.acme.example", "localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_authority_verifies_every_name(tmp_path: Path, name: str) -> None:
    server = server_context(tmp_path / "tls", "mail.acme.example")
    client = ssl.create_default_context(cafile=str(ca_path(tmp_path / "tls")))
    assert shake_hands(server, client, name) == "TLSv1.3"


def test_another_name_is_refused(tmp_path: Path) -> None:
    server = server_context(tmp_path, "mail.acme.example")
    client = ssl.create_default_context(cafile=str(ca_path(tmp_path)))
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(server, client, "mail.other.example")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mode bits")
def test_keys_are_the_owners_alone(tmp_path: Path) -> None:
    server_context(tmp_path / "tls", "h.example")
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / "tls" / name).stat().st_mode) == 0o600


def certificates(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "ca.pem").read_bytes(), (folder / "server.pem").read_bytes()


def test_a_second_start_keeps_both(tmp_path: Path) -> None:
    ensure_certificate(tmp_path, "h.example")
    before = certificates(tmp_path)
    ensure_certificate(tmp_path, "h.example")
    assert certificates(tmp_path) == before


def test_a_new_name_or_the_last_month_renews_the_certificate_alone(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ensure_certificate(tmp_path, "h.example", now)
    authority, first = certificates(tmp_path)
    ensure_certificate(tmp_path, "other.example", now)
    same, second = certificates(tmp_path)
    ensure_certificate(tmp_path, "other.example", now + timedelta(days=366))
    assert certificates(tmp_path) == (same, second)
    ensure_certificate(tmp_path, "other.example", now + timedelta(days=368))
    also_same, third = certificates(tmp_path)
    assert authority == same == also_same
    assert len({first, second, third}) == 3


@pytest.mark.parametrize("damaged", ["server.pem", "ca.key"])
def test_a_damaged_file_is_one_clear_sentence(tmp_path: Path, damaged: str) -> None:
    server_context(tmp_path, "h.example")
    (tmp_path / damaged).write_bytes(b"not a certificate")
    if damaged == "ca.key":
        (tmp_path / "made-for").write_text("h.example\nyesterday\n")
    with pytest.raises(StorageError, match="certificate cannot be made or read") as caught:
        server_context(tmp_path, "h.example")
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (BadCertificate.EXPIRED, "expired"),
        (BadCertificate.WRONG_NAME, "not valid for"),
        (BadCertificate.SELF_SIGNED, "self-signed"),
    ],
)
def test_a_bad_certificate_is_refused_for_its_one_fault(
    tmp_path: Path, kind: BadCertificate, why: str
) -> None:
    server = bad_context(tmp_path, kind, "mail.acme.example")
    client = ssl.create_default_context(cafile=str(ca_path(tmp_path)))
    with pytest.raises(ssl.SSLCertVerificationError, match=f"(?i){why}"):
        shake_hands(server, client, "localhost")


def test_a_bad_certificate_leaves_the_good_one_alone(tmp_path: Path) -> None:
    server = server_context(tmp_path, "mail.acme.example")
    bad_context(tmp_path, BadCertificate.EXPIRED, "mail.acme.example")
    client = ssl.create_default_context(cafile=str(ca_path(tmp_path)))
    assert shake_hands(server, client, "localhost") == "TLSv1.3"
