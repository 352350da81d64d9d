"""Fingerprints, typed in any of the forms that tools show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.fingerprint import openssh_form, parse_fingerprint
from smtpadmin.model.errors import UsageError


@given(st.binary(min_size=32, max_size=32))
def test_every_form_means_the_same(raw: bytes) -> None:
    colons = ":".join(f"{octet:02X}" for octet in raw)
    for text in (raw.hex(), colons, openssh_form(raw.hex()), f" {openssh_form(raw.hex())}= "):
        assert parse_fingerprint(text) == raw.hex()


@given(st.text())
def test_anything_else_is_a_usage_error(text: str) -> None:
    try:
        found = parse_fingerprint(text)
    except UsageError:
        return
    assert len(found) == 64


@pytest.mark.parametrize("text", ["", "ab", "MD5:00:11", "SHA256:", "SHA256:!!!", "zz" * 32])
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_fingerprint(text)
