"""Decides which rule of a catch server acts. Sans-I/O: facts and a clock reading in, a rule out.

With odds of 0 or 100 the outcome is certain; with others it depends on the seed alone. What it
remembers of strangers is bounded.
"""

from __future__ import annotations

import fnmatch
import random
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from smtpadmin.model.catch import CatchRule
from smtpadmin.model.smtp import Stage

MOST_TRIPLETS = 10_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a session at a point; ``recipients`` are the one that is asked about, or
    after RCPT all of them."""

    client: str = ""
    helo: str = ""
    user: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()


class RuleBook:
    """The rules of one server, with what they remember. A new list of rules forgets it."""

    def __init__(self, rules: Sequence[CatchRule] = (), seed: int | None = None) -> None:
        self.rules = tuple(rules)
        self._patterns = [_Patterns(rule) for rule in self.rules]
        self._dice = random.Random(seed)
        self._acted = [0] * len(self.rules)
        self._first_seen: OrderedDict[tuple[int, Facts], float] = OrderedDict()

    def acted(self) -> tuple[int, ...]:
        """How many times each rule has acted, in the order of the rules."""
        return tuple(self._acted)

    def decide(self, at: Stage, facts: Facts, now: float) -> CatchRule | None:
        """The first rule that fits and acts, or None; ``now`` in seconds of a steady clock."""
        for number, rule in enumerate(self.rules):
            if rule.at is at and self._acts(number, rule, facts, now):
                self._acted[number] += 1
                return rule
        return None

    def _acts(self, number: int, rule: CatchRule, facts: Facts, now: float) -> bool:
        if rule.times and self._acted[number] >= rule.times:
            return False
        if not self._patterns[number].fit(facts):
            return False
        if rule.greylist_s is not None and self._is_known(number, rule.greylist_s, facts, now):
            return False
        # No throw for certain odds, so that such rules do not move the dice of the others.
        return rule.odds >= 100 or (rule.odds > 0 and self._dice.random() * 100 < rule.odds)

    def _is_known(self, number: int, wait_s: float, facts: Facts, now: float) -> bool:
        """Whether client, sender and recipient have come before, long enough ago."""
        key = (number, Facts(facts.client, "", "", facts.sender.lower(), facts.recipients))
        first = self._first_seen.get(key)
        if first is None:
            self._first_seen[key] = now
            if len(self._first_seen) > MOST_TRIPLETS:
                self._first_seen.popitem(last=False)
            return False
        return now - first >= wait_s


class _Patterns:
    """A rule's patterns, made once."""

    def __init__(self, rule: CatchRule) -> None:
        self._client = _compiled(rule.client)
        self._user = _compiled(rule.user)
        self._sender = _compiled(rule.sender)
        self._recipient = _compiled(rule.recipient)

    def fit(self, facts: Facts) -> bool:
        return (
            _fits(self._client, (facts.client, facts.helo))
            and _fits(self._user, (facts.user,))
            and _fits(self._sender, (facts.sender,))
            and _fits(self._recipient, facts.recipients)
        )


def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None for ``*``, which fits even when there is nothing to compare."""
    # Runs of stars mean what one means, and would take a regular expression for ever.
    pattern = re.sub(r"\*+", "*", pattern)
    return None if pattern == "*" else re.compile(fnmatch.translate(pattern), re.I)


def _fits(pattern: re.Pattern[str] | None, texts: Sequence[str]) -> bool:
    return pattern is None or any(pattern.match(text[:1_000]) for text in texts)
