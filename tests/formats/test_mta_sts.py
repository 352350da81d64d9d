"""Policies as RFC 8461 shows them, and everything that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.mta_sts import (
    MOST_AGE,
    MOST_OCTETS,
    Policy,
    covers,
    is_sts_record,
    parse_policy,
)
from smtpadmin.model.errors import ProtocolError

EXAMPLE = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


def test_the_example_of_section_3_2() -> None:
    assert parse_policy(EXAMPLE) == Policy("enforce", ("mail.example.com", "*.example.net"), 604800)


@pytest.mark.parametrize(
    ("host", "covered"),
    [("mail.example.com", True), ("MAIL.example.com.", True), ("a.example.net", True), ("example.net", False),
     ("a.b.example.net", False), ("", False), ("net", False)],
)  # fmt: skip
def test_hosts(host: str, covered: bool) -> None:
    assert covers(parse_policy(EXAMPLE), host) is covered


@pytest.mark.parametrize(
    "octets",
    [b"", b"<html>", EXAMPLE.replace(b"STSv1", b"STSv2"), EXAMPLE.replace(b"enforce", b"maybe"),
     b"version: STSv1\nmode: enforce\nmax_age: 1\n", EXAMPLE.replace(b"604800", b"-1"), EXAMPLE + b"x" * MOST_OCTETS],
)  # fmt: skip
def test_no_policy(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_policy(octets)


@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    try:
        found = parse_policy(b"version: STSv1\nmode: none\nmax_age: 5\n" + octets)
    except ProtocolError:
        return
    assert 0 <= found.max_age <= MOST_AGE


def test_the_record() -> None:
    assert is_sts_record(b"v=STSv1; id=20160831085700Z;")
    assert not is_sts_record(b"v=STSv10; id=1")
