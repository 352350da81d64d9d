"""Header fields, ordinary, odd and hostile."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.header_fields import (
    MOST_FIELDS,
    decode_words,
    loose_base64,
    read_parameters,
    split_header,
)


def test_order_duplicates_and_folds_are_kept() -> None:
    raw = b"Received: a\r\n\tby b\r\nX: 1\r\nRECEIVED : c\r\nx: 2\r\n\r\nbody"
    fields, body = split_header(raw)
    assert [(f.name, f.value) for f in fields] == [
        ("Received", "a\tby b"), ("X", "1"), ("RECEIVED", "c"), ("x", "2"),
    ]  # fmt: skip
    assert fields[0].raw == b"Received: a\r\n\tby b"
    assert raw[body:] == b"body"


@pytest.mark.parametrize(
    ("raw", "names", "body"),
    [
        (b"From x@y Mon\nA: 1\n\nb", ["A"], b"b"),
        (b"A: 1\nno field here\n\nb", ["A"], b"no field here\n\nb"),
        (b"A: 1\n\r\r\nb", ["A"], b"b"),
        (b"\nA: 1\n", [], b"A: 1\n"),
        (b" fold first\nA: 1\n", [], b" fold first\nA: 1\n"),
        (b"A: 1", ["A"], b""),
        (b"\x00\x00", [], b"\x00\x00"),
        (b"", [], b""),
    ],
)
def test_where_a_header_ends(raw: bytes, names: list[str], body: bytes) -> None:
    fields, place = split_header(raw)
    assert ([f.name for f in fields], raw[place:]) == (names, body)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("=?ISO-8859-1?Q?a_b=E9?= tail", "a bé tail"),
        ("x =?utf-8?B?w6k=?=  =?utf-8?B?w6k=?= y", "x éé y"),
        ("=?utf-8?B?4p?= =?utf-8?B?yT?=", "\\xe2\\xc9"),
        ("=?utf-8?Q?=E2=9C?= =?utf-8?Q?=93?=", "✓"),
        ("=?utf-8*en?Q?ok?=", "ok"),
        ("=?no-such?Q?ok?=", "ok"),
        ("=?utf-8?Q?with blank?=", "with blank"),
        ("=?utf-8?X?no?=", "=?utf-8?X?no?="),
        ("=?utf-8?B?!!!?=", ""),
        ("=?utf-8?Q?=ZZ?=", "=ZZ"),
        ("=?", "=?"),
    ],
)
def test_encoded_words(text: str, decoded: str) -> None:
    assert decode_words(text) == decoded


@pytest.mark.parametrize(
    ("text", "value", "parameters"),
    [
        ('Text/Plain; CHARSET="utf-8"', "text/plain", {"charset": "utf-8"}),
        ('a/b; name="x;\\"y"; q=1', "a/b", {"name": 'x;"y', "q": "1"}),
        ("a/b; filename*=utf-8''caf%C3%A9.txt", "a/b", {"filename": "café.txt"}),
        ("a/b; f*1*=%A9; f*0*=utf-8''%C3", "a/b", {"f": "é"}),
        ('a/b; name="=?utf-8?q?caf=C3=A9?="', "a/b", {"name": "café"}),
        ("a/b; x=1; x=2", "a/b", {"x": "1"}),
        ('a/b; name="no end', "a/b", {"name": "no end"}),
        ("a/b;;; =; ;x", "a/b", {}),
        ("", "", {}),
    ],
)
def test_parameters(text: str, value: str, parameters: dict[str, str]) -> None:
    assert read_parameters(text) == (value, parameters)


@pytest.mark.parametrize(
    ("octets", "decoded"),
    [
        (b"aGk=", b"hi"),
        (b"aGk", b"hi"),
        (b"a G\r\nk!=", b"hi"),
        (b"aGk=aGk=", b"hihi"),
        (b"a", b""),
        (b"=" * 5000 + b"aGk", b"hi"),
    ],
)
def test_loose_base64(octets: bytes, decoded: bytes) -> None:
    assert loose_base64(octets) == decoded


HOSTILE = {
    "long": b"S: " + b"x" * 5_000_000,
    "folds": b"S: x\n" + b" y\n" * 1_000_000,
    "blanks": b"S:" + b" \n" * 1_000_000,
    "words": b"S: " + b"=?utf-8?q?a?= " * 300_000,
    "half words": b"S: " + b"=?a?q?" * 500_000,
    "many": b"A: 1\n" * 500_000,
    "colons": b":" * 3_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers_end_in_time(name: str) -> None:
    started = time.process_time()
    fields, place = split_header(HOSTILE[name])
    assert time.process_time() - started < 4
    assert len(fields) <= MOST_FIELDS
    assert place <= len(HOSTILE[name])


@pytest.mark.parametrize(
    "text",
    ['; a="' * 100_000, ";" + " " * 500_000, "; a" * 200_000, ";a*1=" * 100_000, "\\" * 500_000],
)
def test_hostile_parameters_end_in_time(text: str) -> None:
    started = time.process_time()
    read_parameters('a/b; x="' + text)
    assert time.process_time() - started < 2


LINES = st.sampled_from(
    [b"A: 1", b" fold", b"", b"x", b"\t", b"B : =?utf-8?b?w6k?=", b":", b"\0", b"From x"]
)


@given(st.lists(LINES, max_size=12), st.sampled_from([b"\n", b"\r\n"]))
def test_fields_and_body_are_the_whole_message(lines: list[bytes], end: bytes) -> None:
    raw = end.join(lines)
    fields, place = split_header(raw)
    head = raw[:place]
    for field in fields:
        assert field.raw in head
    left = head
    for field in fields:
        left = left.replace(field.raw, b"", 1)
    assert left.strip(b"\r\n") in (b"", b"From x")


@given(st.binary(max_size=200), st.text(max_size=100))
def test_nothing_raises(raw: bytes, text: str) -> None:
    split_header(raw)
    decode_words(text)
    read_parameters(text)
    loose_base64(raw)
