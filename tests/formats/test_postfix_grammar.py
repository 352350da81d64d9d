"""Pieces of Postfix's lines: addresses in quotes, peers with and without a port, numbers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.postfix_grammar import (
    ADDRESS,
    QUEUE_ID,
    Peer,
    client_fields,
    pairs,
    split_peer,
    typed,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "mx1.example.org[private/dovecot-lmtp]",
            Peer("mx1.example.org", "private/dovecot-lmtp", None),
        ),
        ("mx[2001:db8::1]:25", Peer("mx", "2001:db8::1", 25)),
        ("[192.0.2.1]:4122", Peer(None, "192.0.2.1", 4122)),
        ("dovecot", Peer("dovecot", None, None)),
        ("none", Peer("none", None, None)),
        ("", Peer(None, None, None)),
    ],
)
def test_peers(text: str, expected: Peer) -> None:
    assert split_peer(text) == expected


def test_a_client_with_its_parts() -> None:
    assert client_fields("x[198.51.100.7]:41234") == {
        "client": "x[198.51.100.7]:41234",
        "client_name": "x",
        "client_address": "198.51.100.7",
        "client_port": 41234,
    }


@pytest.mark.parametrize("queue_id", ["A1B2C3", "1736261560", "4Xs7HQ55N8zChRp", "4jY8f451xHzSFmj"])
def test_queue_ids(queue_id: str) -> None:
    assert re.fullmatch(QUEUE_ID, queue_id)


@pytest.mark.parametrize("text", ["a1b2c3", "A1B2C", "statistics", "warning", "NOQUEUE", "A" * 16])
def test_no_queue_ids(text: str) -> None:
    assert not re.fullmatch(QUEUE_ID, text)


@pytest.mark.parametrize(
    "text", ['"john, doe=x"@example.org', '"a>b"@example.org', '"a\\"b"@x', ""]
)
def test_addresses(text: str) -> None:
    assert re.fullmatch(ADDRESS, text)


def test_pairs_keep_the_first_of_a_name() -> None:
    assert pairs('a=<x@y>, size=12 b="c d" delay=0.5, e=, a=z') == {
        "a": "x@y",
        "size": 12,
        "b": "c d",
        "delay": 0.5,
        "e": "",
    }
    assert pairs('to=<odd"quote@example.org>, relay=x')["to"] == 'odd"quote@example.org'


def test_only_numbers_become_numbers() -> None:
    assert typed("size", "1" * 30) == "1" * 30
    assert typed("delay", "1e5") == 100_000.0
    assert typed("delay", "fast") == "fast"
    assert typed("to", "12") == "12"


@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    assert all(isinstance(name, str) for name in pairs(text))
    split_peer(text)
