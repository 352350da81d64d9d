"""A rule of the catch server as the cells of a table, and back. Pure functions.

What most rules use has a cell of its own; the rest stands in ``more``, in the words of
:mod:`smtpadmin.formats.catch_rules`.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from smtpadmin.formats.catch_rules import read_rule
from smtpadmin.model.catch import CatchRule


@dataclass(frozen=True, slots=True)
class RuleCells:
    """Texts as a person types them; empty where the rule says nothing."""

    at: str = "rcpt"
    sender: str = ""
    recipient: str = ""
    reply: str = ""
    delay: str = ""
    odds: str = ""
    drop: bool = False
    more: str = ""
    name: str = ""


def rule_of(cells: RuleCells) -> CatchRule:
    """The rule that the cells say. Raises UsageError, which names what is wrong."""
    words = [cells.at.strip()]
    for name in ("sender", "recipient", "reply", "delay", "odds", "name"):
        text = getattr(cells, name).strip()
        if text:
            value = text.removesuffix("%").rstrip() if name == "odds" else text
            words.append(shlex.quote(f"{name}={value}"))
    if cells.drop:
        words.append("drop")
    return read_rule(" ".join([*words, cells.more]))


def cells_of(rule: CatchRule) -> RuleCells:
    """The cells of a rule; ``rule_of`` makes the same rule of them."""

    def pattern(text: str) -> str:
        return {"*": "", "": "<>"}.get(text, text)

    return RuleCells(
        at=rule.at.value,
        sender=pattern(rule.sender),
        recipient=pattern(rule.recipient) if rule.recipient else "",
        reply=rule.reply.replace("\n", "\\n"),
        delay=_time(rule.delay_s) if rule.delay_s else "",
        odds="" if rule.odds == 100 else _plain(rule.odds),
        drop=rule.drop,
        more=_more(rule),
        name=rule.name,
    )


def _more(rule: CatchRule) -> str:
    words = []
    if rule.greylist_s is not None:
        words.append(f"greylist={_time(rule.greylist_s)}")
    if rule.tarpit_s:
        words.append(f"tarpit={_time(rule.tarpit_s)}")
    if rule.times:
        words.append(f"times={rule.times}")
    if rule.hide == ("STARTTLS",):
        words.append("no-starttls")
    elif rule.hide:
        words.append(f"hide={','.join(rule.hide)}")
    if rule.certificate is not None:
        words.append(f"certificate={rule.certificate.value}")
    words += [
        shlex.quote(f"{name}={value}")
        for name in ("client", "user")
        if (value := getattr(rule, name)) != "*"
    ]
    if rule.recipient == "":
        words.append("recipient=")
    return " ".join(words)


def _time(seconds: float) -> str:
    if seconds and seconds % 60 == 0:
        return f"{int(seconds // 60)}m"
    return f"{_plain(seconds)}s"


def _plain(number: float) -> str:
    """Without an exponent, which nobody types."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def rounded(rule: CatchRule) -> CatchRule:
    """The rule with its numbers as cells can hold them: six places."""
    return replace(
        rule,
        delay_s=round(rule.delay_s, 6),
        tarpit_s=round(rule.tarpit_s, 6),
        odds=round(rule.odds, 6),
        greylist_s=None if rule.greylist_s is None else round(rule.greylist_s, 6),
    )
