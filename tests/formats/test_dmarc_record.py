"""DMARC records, right and nearly right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.dmarc_record import POLICIES, parse_dmarc


@pytest.mark.parametrize(
    ("text", "policies"),
    [
        (b"v=DMARC1; p=reject", ("reject", "reject", "reject")),
        (b"v=DMARC1; p=reject; sp=none", ("reject", "none", "none")),
        (b"v=DMARC1;p=QUARANTINE;np=reject;pct=10", ("quarantine", "quarantine", "reject")),
        (b"v=DMARC1; rua=mailto:x@y.example", ("none", "none", "none")),
        (b"v=DMARC1; p=odd; p=reject", ("none", "none", "none")),
    ],
)
def test_policies(text: bytes, policies: tuple[str, str, str]) -> None:
    found = parse_dmarc(text)
    assert found is not None
    assert (found.policy, found.subdomain_policy, found.missing_policy) == policies


@pytest.mark.parametrize(
    "text", [b"", b"p=reject; v=DMARC1", b"v=DMARC2; p=none", b"v=spf1 -all", b"V=dmarc1"]
)
def test_no_records(text: bytes) -> None:
    assert parse_dmarc(text) is None


def test_modes() -> None:
    found = parse_dmarc(b"v=DMARC1; adkim=s; aspf=r; psd=y; t=y")
    assert found is not None
    assert (found.strict_dkim, found.strict_spf, found.psd, found.testing) == (
        True,
        False,
        "y",
        True,
    )


@given(st.binary(max_size=60))
def test_any_octets(text: bytes) -> None:
    found = parse_dmarc(b"v=DMARC1;" + text)
    assert found is not None
    assert found.policy in POLICIES
