"""Which rule acts."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.catch_rules import read_rule
from smtpadmin.model.smtp import Stage
from smtpadmin.protocol.catch_rules import MOST_TRIPLETS, Facts, RuleBook

ANNA = Facts("192.0.2.1", "mx.a.example", "anna", "anna@a.example", ("bert@b.example",))


def book(*rules: str, seed: int | None = None) -> RuleBook:
    return RuleBook([read_rule(rule) for rule in rules], seed)


def test_the_first_rule_that_fits_counts() -> None:
    rules = book("mail", "rcpt recipient=*@other.example", "rcpt name=one", "rcpt name=two")
    found = rules.decide(Stage.RCPT, ANNA, 0.0)
    assert found is not None
    assert found.name == "one"
    assert rules.acted() == (0, 0, 1, 0)


def test_no_rule_for_another_point() -> None:
    assert book("mail").decide(Stage.RCPT, ANNA, 0.0) is None


def test_patterns_by_address_name_user_and_without_case() -> None:
    for words in (
        "client=192.0.2.*",
        "client=MX.*",
        "user=ann?",
        "sender=*@A.example",
        "recipient=BERT@*",
        "recipient=[b]ert@*",
    ):
        assert book(f"rcpt {words}").decide(Stage.RCPT, ANNA, 0.0), words
    for words in ("client=192.0.3.*", "user=otto", "sender=<>", "recipient=bert"):
        assert not book(f"rcpt {words}").decide(Stage.RCPT, ANNA, 0.0), words


def test_the_null_sender_is_a_pattern_of_its_own() -> None:
    rules = book("mail sender=<>")
    assert rules.decide(Stage.MAIL, Facts(sender=""), 0.0)
    assert not rules.decide(Stage.MAIL, ANNA, 0.0)


def test_certain_odds_are_certain_and_throw_no_dice() -> None:
    rules = book("rcpt odds=0", "rcpt odds=100 name=sure")
    found = {rules.decide(Stage.RCPT, ANNA, 0.0) for _ in range(200)}
    assert [rule.name for rule in found if rule] == ["sure"]


def test_odds_depend_on_the_seed_alone() -> None:
    def run(seed: int) -> list[bool]:
        rules = book("rcpt odds=30", seed=seed)
        return [rules.decide(Stage.RCPT, ANNA, 0.0) is not None for _ in range(1_000)]

    assert run(1) == run(1) != run(2)
    assert 230 < sum(run(1)) < 370


def test_at_most_so_many_times() -> None:
    rules = book("rcpt times=2")
    assert [rules.decide(Stage.RCPT, ANNA, 0.0) is not None for _ in range(4)] == [
        True,
        True,
        False,
        False,
    ]


def test_greylisting_lets_the_second_try_in() -> None:
    rules = book("rcpt greylist")
    other = Facts("192.0.2.1", "", "", "anna@a.example", ("else@b.example",))
    assert rules.decide(Stage.RCPT, ANNA, 0.0)
    assert not rules.decide(Stage.RCPT, ANNA, 0.0)
    assert rules.decide(Stage.RCPT, other, 0.0)


def test_greylisting_with_a_wait() -> None:
    rules = book("rcpt greylist=60")
    assert [rules.decide(Stage.RCPT, ANNA, now) is not None for now in (0, 30, 59.9, 60, 61)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_greylisting_remembers_no_more_than_it_may() -> None:
    rules = book("rcpt greylist=60")
    for number in range(MOST_TRIPLETS + 100):
        rules.decide(Stage.RCPT, Facts(recipients=(f"{number}@x",)), 0.0)
    assert len(rules._first_seen) == MOST_TRIPLETS


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    rules = book("rcpt recipient=" + "*a" * 100 + "b")
    started = time.perf_counter()
    assert not rules.decide(Stage.RCPT, Facts(recipients=("a" * 5_000,)), 0.0)
    assert time.perf_counter() - started < 0.5


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_pattern_and_address_are_survived(pattern: str, address: str) -> None:
    from smtpadmin.model.catch import CatchRule

    RuleBook([CatchRule(Stage.RCPT, recipient=pattern)]).decide(
        Stage.RCPT, Facts(recipients=(address,)), 0.0
    )
