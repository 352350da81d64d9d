"""Certificates explained, each problem in one sentence."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.certificate_chain import explain_chain, load, matches

NOW = datetime.now(UTC)
CA = trustme.CA()


def ders(leaf: trustme.LeafCert) -> list[bytes]:
    return [ssl.PEM_cert_to_DER_cert(pem.bytes().decode()) for pem in leaf.cert_chain_pems]


def test_a_good_one() -> None:
    (facts,) = explain_chain(
        ders(CA.issue_cert("mx.example", "*.b.example")), "a.b.example", NOW, trusted=True
    )
    assert (facts.names, facts.problems) == (("mx.example", "*.b.example"), ())
    assert (facts.key, facts.signature, len(facts.fingerprint)) == ("EC secp256r1", "sha256", 64)


def problems(
    leaf: trustme.LeafCert, host: str = "mx.example", *, trusted: bool | None = True
) -> list[str]:
    return [
        p for one in explain_chain(ders(leaf), host, NOW, trusted=trusted) for p in one.problems
    ]


def test_dates_names_and_trust() -> None:
    old = CA.issue_cert("mx.example", not_before=NOW - timedelta(9), not_after=NOW - timedelta(2))
    assert problems(old) == ["It has expired, 2 days ago."]
    young = CA.issue_cert("mx.example", not_before=NOW + timedelta(1), not_after=NOW + timedelta(9))
    assert "It is not valid before" in problems(young)[0]
    assert problems(CA.issue_cert("x.example")) == ["It is for x.example, not for mx.example."]
    assert (
        "is not among the trusted authorities"
        in problems(CA.issue_cert("mx.example"), trusted=False)[0]
    )


def test_the_chain_and_its_order() -> None:
    middle = CA.create_child_ca()
    leaf, above = ders(middle.issue_cert("mx.example"))[:2]
    good = explain_chain([leaf, above], "mx.example", NOW, trusted=True)
    assert [one.problems for one in good] == [(), ()]
    stranger = ders(CA.issue_cert("mx.example"))[0]
    wrong = explain_chain([leaf, stranger], "mx.example", NOW, trusted=False)
    assert "but the next in the chain is" in wrong[0].problems[0]
    assert "is no authority" in wrong[1].problems[0]


def weak(bits: int, digest: hashes.HashAlgorithm, issuer: str) -> bytes:
    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.example")])
    above = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)])
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(above).public_key(key.public_key())
    )
    builder = (
        builder.serial_number(1)
        .not_valid_before(NOW - timedelta(1))
        .not_valid_after(NOW + timedelta(1))
    )
    return builder.sign(key, digest).public_bytes(Encoding.DER)


def test_weak_keys_and_signed_by_itself() -> None:
    (facts,) = explain_chain(
        [weak(1024, hashes.SHA256(), "mx.example")], "mx.example", NOW, trusted=False
    )
    assert "Its key is too short (RSA 1024)." in facts.problems
    assert "It is signed by itself, by no authority." in facts.problems
    assert any("names no host" in problem for problem in facts.problems)


def test_a_chain_that_cannot_be_read() -> None:
    assert explain_chain([b"junk"], "x", NOW)[0].problems == ("It cannot be read.",)
    assert explain_chain([], "x", NOW) == ()
    assert load(b"") is None


@given(st.lists(st.binary(max_size=60), max_size=4), st.text(max_size=10))
def test_any_octets(chain: list[bytes], host: str) -> None:
    assert len(explain_chain(chain, host, NOW)) == len(chain)


@pytest.mark.parametrize(
    ("names", "host", "fits"),
    [(["mx.example"], "MX.example.", True), (["*.example.org"], "a.example.org", True),
     (["*.example.org"], "a.b.example.org", False), (["*.example.org"], "example.org", False),
     (["*.org"], "example.org", False), (["f*.example.org"], "foo.example.org", False),
     (["192.0.2.1"], "192.0.2.1", True), (["::1"], "[0:0::1]", True), ([], "x", False), ([""], "", False)],
)  # fmt: skip
def test_names(names: list[str], host: str, fits: bool) -> None:
    assert matches(names, host) is fits
