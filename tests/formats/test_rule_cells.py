"""Cells and rules: there and back, and no text that breaks them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.catch_rules import PRESETS, read_rule
from smtpadmin.formats.rule_cells import RuleCells, cells_of, rounded, rule_of
from smtpadmin.model.catch import RULE_POINTS, BadCertificate
from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp import Stage


@pytest.mark.parametrize("text", [text for _, text in PRESETS])
def test_each_preset_comes_back(text: str) -> None:
    rule = read_rule(text)
    assert rule_of(cells_of(rule)) == rule


@pytest.mark.parametrize(
    "text",
    [
        'rcpt reply="450 4.2.1 one\\n450 4.2.1 two"',
        "mail user='' reply='530 5.7.0 login'",
        "mail sender=<> odds=12.5 times=3",
        "rcpt recipient='' client='10.*'",
        "ehlo hide=SIZE,STARTTLS",
        "dot delay=90s drop name='slow and gone'",
        "rcpt greylist",
    ],
)
def test_rare_rules_come_back(text: str) -> None:
    rule = read_rule(text)
    assert rule_of(cells_of(rule)) == rule


def test_what_is_typed_may_have_blanks_and_a_percent_sign() -> None:
    rule = rule_of(RuleCells(at=" rcpt ", reply=" 452 4.2.2 it's full ", odds="50 %", delay="2s"))
    assert (rule.reply, rule.odds, rule.delay_s) == ("452 4.2.2 it's full", 50.0, 2.0)
    assert rule_of(RuleCells(more="certificate=expired", at="starttls")).certificate is (
        BadCertificate.EXPIRED
    )


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(UsageError, match="a code and words"):
        rule_of(RuleCells(reply="no code"))
    with pytest.raises(UsageError, match="quotes"):
        rule_of(RuleCells(more="user='x"))
    with pytest.raises(UsageError, match="begins with one of"):
        rule_of(RuleCells(at="here"))


_cell = st.text(max_size=60)


@given(st.builds(RuleCells, at=_cell, sender=_cell, recipient=_cell, reply=_cell,
                 delay=_cell, odds=_cell, more=_cell, name=_cell))  # fmt: skip
def test_any_text_is_a_rule_or_says_why_not(cells: RuleCells) -> None:
    with contextlib.suppress(UsageError):
        rule_of(cells)


_word = (
    st.from_regex(r"[a-z*?@.\-'\"\\$ ]{1,20}", fullmatch=True)
    .map(str.strip)
    .filter(lambda text: text and text not in ("*", "<>"))
)
_seconds = st.floats(0, 3600)


@given(
    at=st.sampled_from(RULE_POINTS), client=_word, name=_word, delay=_seconds, odds=st.floats(0, 100),
    times=st.integers(0, 1000), user=_word, greylist=st.none() | _seconds,
)  # fmt: skip
def test_every_rule_comes_back(
    at: Stage, client: str, name: str, delay: float, odds: float, times: int, user: str,
    greylist: float | None,
) -> None:  # fmt: skip
    from smtpadmin.formats.catch_rules import rule_from

    rule = rounded(rule_from({
        "at": at.value, "client": client, "name": name, "delay": delay, "odds": odds, "times": times,
        "user": user, "greylist": greylist,
    }))  # fmt: skip
    assert rule_of(cells_of(rule)) == rule
