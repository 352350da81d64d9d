"""Names as typed: valid ones become what goes over the wire, all others one clear sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.transport.dns_name import is_address, shown_name, wire_name


@pytest.mark.parametrize(
    ("typed", "wire"),
    [
        ("Example.ORG", "example.org"),
        (" example.org. ", "example.org"),
        ("_25._tcp.mx.example.org", "_25._tcp.mx.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("STRASSE.example", "strasse.example"),
        # IDNA 2003, and with it Python's own codec, makes "fussball" of this.
        ("fußball.example", "xn--fuball-cta.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"),
    ],
)
def test_a_name_as_it_goes_over_the_wire(typed: str, wire: str) -> None:
    assert shown_name(wire_name(typed)) == wire


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "no name was given"),
        (" . ", "no name was given"),
        ("a..example", "two dots"),
        (".example", "two dots"),
        ("a" * 64 + ".example", "63 octets"),
        ("ü" * 60 + ".example", "63 octets"),
        (".".join(["a" * 63] * 3 + ["b" * 62]), "255 octets"),
        ("a" * 5_000, "255 characters"),
        ("192.0.2.1", "an IP address"),
        ("[2001:db8::1]", "an IP address"),
        ("user@example.org", "letters, digits"),
        ("@", "letters, digits"),
        ("a b.example", "letters, digits"),
        ("a\nb.example", "letters, digits"),
        (r"a\000b.example", "backslash"),
        ("☃\u200d.example", "no valid international name"),
        ("a\u202eb.example", "no valid international name"),
    ],
)
def test_no_name_is_one_clear_sentence(typed: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        wire_name(typed)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@given(st.text(max_size=300) | st.from_regex(r"[a-zäß0-9._\\@-]{1,80}", fullmatch=True))
def test_any_text_is_a_name_or_a_usage_error(typed: str) -> None:
    try:
        name = wire_name(typed)
    except UsageError:
        return
    assert name.is_absolute()
    assert len(name.to_wire() or b"") <= 255
    assert wire_name(shown_name(name)) == name


def test_addresses_are_told_from_names() -> None:
    assert is_address("192.0.2.1")
    assert is_address("2001:db8::1")
    assert not is_address("example.org")
    assert not is_address("1.2.3")
