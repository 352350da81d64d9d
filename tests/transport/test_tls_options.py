"""A context as a plan wants it; a chain as it was served; what can be bound to."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from smtpadmin.model.errors import StorageError, UsageError
from smtpadmin.model.smtp_plan import TlsPlan, TlsUse, Verify
from smtpadmin.transport.tls_options import chain_of, channel_bindings, context_for, is_trusted


@pytest.mark.parametrize(
    ("plan", "mode"),
    [
        (TlsPlan(), ssl.CERT_REQUIRED),
        (TlsPlan(verify=Verify.CA), ssl.CERT_REQUIRED),
        (TlsPlan(verify=Verify.NAME), ssl.CERT_NONE),
        (TlsPlan(fingerprint="ab"), ssl.CERT_NONE),
        (TlsPlan(dane=True), ssl.CERT_NONE),
    ],
)
def test_what_openssl_verifies(plan: TlsPlan, mode: ssl.VerifyMode) -> None:
    assert context_for(plan).verify_mode is mode


def test_versions_and_ciphers() -> None:
    context = context_for(TlsPlan(minimum="1.0", maximum="1.1"))
    assert (context.minimum_version, context.maximum_version) == (
        ssl.TLSVersion.TLSv1,
        ssl.TLSVersion.TLSv1_1,
    )
    assert context.security_level == 0
    assert context_for(TlsPlan(maximum="1.1")).minimum_version <= ssl.TLSVersion.TLSv1_1


@pytest.mark.parametrize(
    "plan", [TlsPlan(minimum="1.4"), TlsPlan(maximum="SSLv3"), TlsPlan(ciphers="NONSENSE")]
)
def test_what_there_is_not(plan: TlsPlan) -> None:
    with pytest.raises(UsageError):
        context_for(plan)


def test_files_that_are_no_certificates(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing")
    for plan in (
        TlsPlan(ca_file=str(tmp_path / "x.pem")),
        TlsPlan(cert_file=str(tmp_path / "x.pem")),
    ):
        with pytest.raises(StorageError, match=r"x\.pem"):
            context_for(plan)


def handshake(leaf: trustme.LeafCert, client: ssl.SSLContext) -> ssl.SSLObject:
    """In memory."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(server)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname="mx.example")
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(6):
        for side in (near, far):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return near


def test_the_chain_its_trust_and_its_bindings(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    leaf = authority.create_child_ca().issue_cert("mx.example")
    served = [ssl.PEM_cert_to_DER_cert(pem.bytes().decode()) for pem in leaf.cert_chain_pems]
    now = datetime.now(UTC)
    for maximum, kinds in (
        ("1.2", {"tls-unique", "tls-server-end-point"}),
        ("1.3", {"tls-server-end-point"}),
    ):
        context = context_for(
            TlsPlan(TlsUse.IMPLICIT, ca_file=str(tmp_path / "ca.pem"), maximum=maximum)
        )
        tls = handshake(leaf, context)
        chain = chain_of(tls)
        assert list(chain) == served
        bindings = channel_bindings(tls, chain)
        assert set(bindings) == kinds
        assert bindings["tls-server-end-point"] == hashlib.sha256(served[0]).digest()
        assert is_trusted(chain, context, now)
        assert not is_trusted(chain[:1], context, now)
        assert not is_trusted(chain, context_for(TlsPlan()), now)
    assert not is_trusted((), context, now)
    assert not is_trusted((b"junk",), context, now)
