"""Addresses and durations as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.cli.arguments import address_text, parse_address, parse_duration
from smtpadmin.model.errors import UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:25", ("127.0.0.1", 25)), ("[::1]:0", ("::1", 0)), ("mail:65535", ("mail", 65535))],
)
def test_an_address(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text, "--smtp") == address


@pytest.mark.parametrize("text", ["", ":25", "host", "host:", "host:x", "host:65536", "host:-1"])
def test_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="--smtp"):
        parse_address(text, "--smtp")


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("2m", 120), ("1.5h", 5400), ("5d", 432000), ("7", 7)]
)
def test_a_duration(text: str, seconds: float) -> None:
    assert parse_duration(text, "--retry") == seconds


@pytest.mark.parametrize("text", ["", "s", "0s", "-1s", "1w", "1.2.3s", "x"])
def test_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="--retry"):
        parse_duration(text, "--retry")


@given(st.ip_addresses().map(str), st.integers(0, 65535))
def test_an_address_comes_back(host: str, port: int) -> None:
    assert parse_address(address_text((host, port)), "x") == (host, port)
