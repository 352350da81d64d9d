from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.postfix_config import (
    PostfixInstance,
    parse_postconf,
    parse_postmulti,
    seconds_of,
    version_of,
)

SAMPLE = Path(__file__).parents[3] / "shared/lab/samples/postfix-postconf-n.txt"
DATA = Path(__file__).parents[1] / "data/postfix/3.11"


def test_settings_folded_ones_and_empty_ones() -> None:
    text = b"relayhost =\nmynetworks = 127.0.0.0/8\n    [::1]/128\nx = a = b\nnonsense\n"
    assert parse_postconf(text) == {
        "relayhost": "", "mynetworks": "127.0.0.0/8 [::1]/128", "x": "a = b",
    }  # fmt: skip


def test_a_real_one() -> None:
    if not SAMPLE.exists():
        pytest.skip(f"{SAMPLE} is not there")
    assert parse_postconf(SAMPLE.read_bytes())["inet_interfaces"] == "127.0.0.1"


def test_json_of_3_11() -> None:
    settings = parse_postconf((DATA / "postconf-j.jsonl").read_bytes())
    assert settings == {"mail_version": "3.11.0", "relayhost": "[smtp.example.net]:587"}
    first, second = parse_postmulti((DATA / "postmulti-jl.jsonl").read_bytes())
    assert first == PostfixInstance("", "", True, "/etc/postfix")
    assert second == PostfixInstance("postfix-out", "mta", False, "/etc/postfix out")


def test_instances_as_a_table() -> None:
    table = (
        b"-               -               y         /etc/postfix\n"
        b"postfix-out     mta             n         /etc/postfix-out\n"
        b"postmulti: warning: something\n"
    )
    assert parse_postmulti(table) == (
        PostfixInstance("", "", True, "/etc/postfix"),
        PostfixInstance("postfix-out", "mta", False, "/etc/postfix-out"),
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [("3.7.11", (3, 7)), ("3.12-20260821", (3, 12)), ("2.11.3\n", (2, 11)), ("", (0, 0)), ("x.y", (0, 0))],
)  # fmt: skip
def test_versions(text: str, version: tuple[int, int]) -> None:
    assert version_of(text) == version


@pytest.mark.parametrize(
    ("text", "seconds"), [("5d", 432_000), ("300", 300), ("1h", 3600), ("", None), ("²d", None)]
)
def test_times(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


@given(st.binary(max_size=200), st.text(max_size=20))
def test_nothing_is_raised(octets: bytes, text: str) -> None:
    parse_postconf(octets)
    parse_postmulti(octets)
    version_of(text)
    seconds_of(text)
