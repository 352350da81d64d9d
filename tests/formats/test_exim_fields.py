"""Exim's fields: quoted values, peers in all four parts, free text where fields end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.exim_fields import (
    NAMES,
    Host,
    host_fields,
    read_fields,
    read_host,
    unescaped,
)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("rdns.example.org (helo) [198.51.100.7]:5912 I=[192.0.2.1]:25", Host("rdns.example.org", "helo", "198.51.100.7", 5912, False)),
        ("(helo) [2001:db8::7]", Host(None, "helo", "2001:db8::7", None, False)),
        ("([127.0.0.1]) [127.0.0.1] P=esmtp", Host(None, "[127.0.0.1]", "127.0.0.1", None, False)),
        ("mx [192.0.2.9]* C=x", Host("mx", None, "192.0.2.9", None, True)),
        ("mx [192.0.2.9]: error", Host("mx", None, "192.0.2.9", None, False)),
        ("rdns (H=x [6.6.6.6]) [198.51.100.7] P=a", Host("rdns", "H=x [6.6.6.6]", "198.51.100.7", None, False)),
        ("rdns (x) [6.6.6.6] y) [198.51.100.7] P=a", Host("rdns", "x) [6.6.6.6] y", "198.51.100.7", None, False)),
    ],
)  # fmt: skip
def test_hosts(text: str, host: Host) -> None:
    found = read_host(text)
    assert found is not None
    assert found[0] == host


def test_what_is_no_host() -> None:
    assert read_host("x") is None
    assert read_host("(helo [1.2.3.4]") is None
    assert host_fields(Host(None, None, "1.2.3.4", None, False)) == {
        "client_name": None,
        "client_address": "1.2.3.4",
    }


def test_values_with_blanks_and_flags_without_a_value() -> None:
    read = read_fields('T="a \\"b\\" => c" DN="/CN=x y" K L M8S=0 S=12 PRDR DT=1s', 0, NAMES)
    assert read.letters["T"] == 'a \\"b\\" => c'
    assert read.fields["transport"] == 'a "b" => c'
    assert read.fields["distinguished_name"] == "/CN=x y"
    assert (read.fields["chunking"], read.fields["pipelining"], read.fields["prdr"]) == (True,) * 3
    assert (read.fields["8bitmime"], read.fields["size"]) == ("0", 12)
    assert read.rest == ""


@pytest.mark.parametrize(
    ("text", "rest", "router"),
    [
        ("R=r T=t H=mx [1.2.3.4]: SMTP error R=x T=5", "SMTP error R=x T=5", "r"),
        ("R=fail: mailbox closed DT=0s", "mailbox closed", "fail"),
        ("R=r defer (-44) H=x [1.2.3.4] DT=0s: later", "later", "r"),
        (": Unrouteable address", "Unrouteable address", None),
    ],
)
def test_a_free_text_ends_the_fields(text: str, rest: str, router: str | None) -> None:
    read = read_fields(text, 0, NAMES)
    assert read.rest == rest
    assert read.fields.get("router") == router


def test_a_number_of_an_error_and_times_at_the_end() -> None:
    read = read_fields("R=r defer (111): refused DT=5s", 0, NAMES)
    assert (read.fields["errno"], read.fields["delivery_time"], read.rest) == (111, "5s", "refused")


def test_octal_escapes() -> None:
    assert unescaped("Gr\\303\\274\\303\\237e") == "Grüße"
    assert unescaped('a \\\\ \\" \\377') == 'a \\ " \\xff'
    assert unescaped("a\\n\\033[1m caf\\xe9") == "a\\n\\033[1m caf\\xe9"


@given(st.text(max_size=120))
def test_any_text(text: str) -> None:
    read_host(text)
    read_fields(text, 0, NAMES)
    read_fields(f"R=x {text} DT=1s", 0, NAMES)
    unescaped(text)


@given(st.text(st.characters(exclude_characters="\\", codec="utf-8"), max_size=40))
def test_text_without_escapes_is_unchanged(text: str) -> None:
    assert unescaped(text) == text
