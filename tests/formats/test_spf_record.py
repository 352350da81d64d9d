"""SPF records by the grammar of RFC 7208."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.spf_record import SpfSyntaxError, expand, is_spf, parse_spf

VALUES = {
    "s": "strong-bad@email.example.com", "l": "strong-bad", "o": "email.example.com",
    "d": "email.example.com", "i": "192.0.2.3", "p": "mx.example.org", "v": "in-addr", "h": "h.example",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"), ("%{o}", "email.example.com"), ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"), ("%{d1}", "com"), ("%{dr}", "com.example.email"), ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"), ("%{l-}", "strong.bad"), ("%{lr-}", "bad.strong"), ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"), ("%%%_%-", "% %20"), ("%{S}", "strong-bad%40email.example.com"),
    ],
)  # fmt: skip
def test_macros_as_the_standard_expands_them(text: str, expanded: str) -> None:
    assert expand(text, VALUES) == expanded


def test_a_long_name_is_cut_from_the_left() -> None:
    assert expand("a" * 60 + "." + "b." * 120 + "example", VALUES).startswith("b.")


@pytest.mark.parametrize(
    "text",
    ["ip4:1.2.3.4/33", "ip4:1.2.3", "ip6:1.2.3.4", "ip4:::1", "a:", "a/", "a/33", "a//129", "a/00", "include", "exists", "all/8",
     "ptr/24", "redirect=", "redirect=x.example redirect=y.example", "a:%{x}.example", "a:%{d0}.example", "a:example.%", "foo",
     "foo=%", "a:x.123", "-", "=", "a:x.example\t"],
)  # fmt: skip
def test_wrong_records(text: str) -> None:
    with pytest.raises(SpfSyntaxError):
        parse_spf(f"v=spf1 {text}")


def test_a_whole_record() -> None:
    found = parse_spf(
        "v=spf1  A:x.example/24//64 ~mx ?include:%{d2} moo.cow-far_out=x redirect=_spf.example. exp=e.example"
    )
    assert [(m.result, m.name, m.domain, m.prefix4, m.prefix6) for m in found.mechanisms] == [
        ("pass", "a", "x.example", 24, 64), ("softfail", "mx", "", 32, 128), ("neutral", "include", "%{d2}", 32, 128),
    ]  # fmt: skip
    assert (found.redirect, found.exp) == ("_spf.example.", "e.example")


def test_the_version_is_a_word_of_its_own() -> None:
    assert is_spf(b"V=SPF1")
    assert is_spf(b"v=spf1 -all")
    assert not is_spf(b"v=spf10")


@pytest.mark.parametrize("piece", ["%{d}", "a.", "%", "a:", "/", "a-"])
def test_hostile_records_end_in_time(piece: str) -> None:
    started = time.process_time()
    for head in ("a:", "foo=", ""):
        with contextlib.suppress(SpfSyntaxError):
            parse_spf("v=spf1 " + head + piece * 5_000)
    assert time.process_time() - started < 2


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    with contextlib.suppress(SpfSyntaxError):
        parse_spf("v=spf1 " + text)
