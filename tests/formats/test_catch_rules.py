"""Rules as people write them, and what is no rule."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.catch_rules import (
    PRESETS,
    effective_reply,
    read_rule,
    read_rules,
    rule_from,
    write_rules,
)
from smtpadmin.model.catch import BadCertificate, CatchRule
from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp import Stage


def test_a_line_of_words() -> None:
    rule = read_rule(
        'rcpt recipient=*@full.example reply="452 4.2.2 mailbox full" odds=50 delay=500ms drop times=3'
    )
    assert rule == CatchRule(
        Stage.RCPT,
        reply="452 4.2.2 mailbox full",
        recipient="*@full.example",
        odds=50.0,
        delay_s=0.5,
        drop=True,
        times=3,
    )


def test_short_words() -> None:
    assert read_rule("ehlo no-starttls hide=size,dsn").hide == ("STARTTLS", "SIZE", "DSN")
    assert read_rule("starttls certificate=expired").certificate is BadCertificate.EXPIRED
    assert read_rule("rcpt greylist").greylist_s == 0.0
    assert read_rule("rcpt greylist=5m").greylist_s == 300.0
    assert read_rule("MAIL sender=<>").sender == ""
    assert read_rule(r'dot reply="550-first\n550 second"'.replace("550-", "550 ")).reply == (
        "550 first\n550 second"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("helo", "begins with one of"),
        ('rcpt reply="x', "quotes"),
        ("rcpt frobnicate", "no word"),
        ("rcpt colour=red", "no part"),
        ("rcpt reply=hello", "a code and words"),
        ('rcpt reply="250 a\n550 b"', "a code and words"),
        ('rcpt reply="199 x"', "a code and words"),
        ("rcpt odds=101", "0 to 100"),
        ("rcpt odds=nan", "0 to 100"),
        ("rcpt delay=2h", "at most an hour"),
        ("rcpt delay=-1", "at most an hour"),
        ("rcpt no-starttls", "hidden at ehlo"),
        ("rcpt certificate=expired", "shown at starttls"),
        ("starttls certificate=ugly", "one of expired"),
        ('data reply="250 ok"', "refuses"),
        ('dot reply="354 go on"', "asks for more"),
        ("auth recipient=x@y", "yet"),
        ("mail recipient=x@y", "yet"),
        ('rcpt reply="550 ' + "x" * 600 + '"', "too long"),
    ],
)
def test_what_is_wrong_is_named(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        read_rule(text)


@pytest.mark.parametrize(
    "octets",
    [b"", b"{}", b"[1]", b'[{"at": 1}]', b'[{"at": "rcpt", "odds": []}]', b"[" * 100_000, b"\xff",
     b'[{"at": "rcpt", "drop": 1}]', b'[{"at": "rcpt", "reply": 550}]', b'[{"at":"rcpt","hide":"X"}]'],
)  # fmt: skip
def test_files_that_hold_no_rules(octets: bytes) -> None:
    with pytest.raises(UsageError):
        read_rules(octets)


PATTERN = st.text(st.characters(codec="utf-8", categories=("L", "N")), max_size=20)
RULES = st.builds(
    CatchRule,
    at=st.just(Stage.RCPT),
    reply=st.sampled_from(["", "550 5.1.1 no", "451 a\n451 b", "250 2.1.5 yes"]),
    client=PATTERN,
    user=PATTERN,
    sender=PATTERN,
    recipient=PATTERN,
    delay_s=st.floats(0, 3600),
    drop=st.booleans(),
    tarpit_s=st.floats(0, 3600),
    odds=st.floats(0, 100),
    times=st.integers(0, 1_000_000_000),
    greylist_s=st.none() | st.floats(0, 3600),
    name=PATTERN,
)


@given(st.lists(RULES, max_size=4))
def test_a_file_comes_back_as_it_was_written(rules: list[CatchRule]) -> None:
    assert read_rules(write_rules(rules)) == tuple(rules)


def test_a_file_with_every_special_rule_comes_back() -> None:
    rules = (
        read_rule("ehlo no-starttls"),
        read_rule("starttls certificate=wrong-name"),
        read_rule("connect drop delay=1"),
    )
    assert read_rules(write_rules(rules)) == rules


@given(st.text(max_size=200))
def test_any_text_is_a_rule_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert read_rule(text).at


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("at", "reply", "odds", "times", "drop", "hide", "certificate", "sender", "delay", "greylist"), JSON)))  # fmt: skip
def test_any_object_is_a_rule_or_a_usage_error(values: dict[str, object]) -> None:
    with contextlib.suppress(UsageError):
        assert rule_from({"at": "rcpt"} | values).at


def test_the_presets_are_rules_and_each_does_something() -> None:
    for name, line in PRESETS:
        rule = read_rule(line)
        assert name
        assert (
            effective_reply(rule)
            or rule.delay_s
            or rule.tarpit_s
            or rule.drop
            or rule.hide
            or (rule.certificate)
        )


def test_a_rule_without_any_effect_refuses() -> None:
    assert effective_reply(read_rule("auth")).startswith("535 ")
    assert effective_reply(read_rule("rcpt")).startswith("451 ")
    assert effective_reply(read_rule("rcpt greylist")).startswith("451 4.7.1")
    assert effective_reply(read_rule("rcpt delay=1s")) == ""
