"""Rules of the catch server as people write them: a line of words, or a JSON file. Pure functions.

>>> read_rule('rcpt recipient=*@full.example reply="452 4.2.2 mailbox full" odds=50').odds
50.0

A line begins with the point of the session; ``drop`` and ``no-starttls`` are words of their own, all
else is ``name=value``; times take ``ms``, ``s``, ``m`` or ``h``. The file is a list of objects with
the same names. What is wrong is named; nothing is guessed.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from smtpadmin.model.catch import RULE_POINTS, BadCertificate, CatchRule
from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp import Stage

MOST_RULES = 1_000
MOST_WAIT_S = 3_600.0
MOST_REPLY_LINE = 512
"""Octets of a reply line with its CRLF, RFC 5321 section 4.5.3.1.5."""
MOST_REPLY_LINES = 20
DEFAULT_REPLY = {
    Stage.CONNECT: "421 4.3.2 Service not available",
    Stage.EHLO: "421 4.3.2 Service not available",
    Stage.STARTTLS: "454 4.7.0 TLS not available due to temporary reason",
    Stage.AUTH: "535 5.7.8 Authentication credentials invalid",
}
GREYLISTED = "451 4.7.1 Greylisted, please try again later"
KEEPS_ITS_REPLY = (Stage.CONNECT, Stage.EHLO, Stage.STARTTLS, Stage.AUTH, Stage.DATA, Stage.QUIT)
"""Where a positive reply of a rule would say what the session does not do."""
PRESETS = (
    ("Mailbox full", 'rcpt recipient=full@* reply="452 4.2.2 Mailbox full"'),
    ("No such user", 'rcpt recipient=unknown@* reply="550 5.1.1 No such user"'),
    ("Greylisting for a minute", "rcpt greylist=1m"),
    ("Refused as spam after the message", 'dot reply="554 5.7.1 Message refused as spam"'),
    ("Too busy, every second time", 'connect odds=50 reply="421 4.3.2 Too busy"'),
    ("Connection lost after the message", "dot drop"),
    ("Slow banner", "connect delay=20s"),
    ("Tarpit", "mail tarpit=1s"),
    ("No STARTTLS", "ehlo no-starttls"),
    ("Expired certificate", "starttls certificate=expired"),
    ("Certificate of another name", "starttls certificate=wrong-name"),
    ("Self-signed certificate", "starttls certificate=self-signed"),
    ("Wrong password", "auth"),
    ("Rate limit", 'mail odds=30 reply="451 4.7.1 Rate limit exceeded"'),
)
"""What people try first: a name and the rule."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h)?")
_REPLY_LINE = re.compile(r"([2-5]\d\d)(?: [^\x00-\x1f\x7f]*)?")
_NAMES = {"delay": "delay_s", "tarpit": "tarpit_s", "greylist": "greylist_s"}
_FIELDS = {field.name for field in fields(CatchRule)}


def read_rule(text: str) -> CatchRule:
    """One rule from a line of words. Raises UsageError."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _wrong(text, f"its quotes do not match ({error})") from error
    if not words:
        raise _wrong(text, "it is empty")
    values: dict[str, Any] = {"at": words[0]}
    for word in words[1:]:
        _add_word(text, values, word)
    return rule_from(values, text)


def _add_word(text: str, values: dict[str, Any], word: str) -> None:
    name, equals, value = word.partition("=")
    if word == "drop":
        values["drop"] = True
    elif word == "no-starttls":
        values["hide"] = [*values.get("hide", []), "STARTTLS"]
    elif word == "greylist":
        values["greylist_s"] = 0.0
    elif not equals:
        raise _wrong(text, f"{word!r} is no word of a rule")
    elif name == "hide":
        values["hide"] = [*values.get("hide", []), *value.split(",")]
    else:
        values[_NAMES.get(name, name)] = value


def read_rules(octets: bytes, where: str = "rules") -> tuple[CatchRule, ...]:
    """The rules of a JSON file: a list of objects. Raises UsageError."""
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"this is not JSON ({error})", where=where) from error
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise UsageError("rules are a list of objects", where=where)
    if len(found) > MOST_RULES:
        raise UsageError(f"more than {MOST_RULES} rules", where=where)
    return tuple(rule_from(item, f"rule {number}") for number, item in enumerate(found, 1))


def write_rules(rules: Sequence[CatchRule]) -> bytes:
    """The file that :func:`read_rules` reads."""
    usual = asdict(CatchRule(Stage.RCPT))
    objects = [
        {name: v for name, v in asdict(rule).items() if name == "at" or v != usual[name]}
        for rule in rules
    ]
    return json.dumps(objects, indent=1, ensure_ascii=False).encode("utf-8") + b"\n"


def rule_from(values: Mapping[str, Any], where: str = "rule") -> CatchRule:
    """One rule from named values, checked. Raises UsageError."""
    named = {_NAMES.get(name, name): value for name, value in values.items()}
    unknown = sorted(set(named) - _FIELDS)
    if unknown:
        raise _wrong(where, f"{unknown[0]!r} is no part of a rule")
    rule = CatchRule(
        at=_point(where, named.get("at")),
        reply=_reply(where, named.get("reply", "")),
        delay_s=_seconds(where, "delay", named.get("delay_s", 0.0)),
        tarpit_s=_seconds(where, "tarpit", named.get("tarpit_s", 0.0)),
        greylist_s=None
        if named.get("greylist_s") is None
        else _seconds(where, "greylist", named["greylist_s"]),
        odds=_number(where, "odds", named.get("odds", 100.0), 100),
        times=int(_number(where, "times", named.get("times", 0), 1_000_000_000)),
        drop=_flag(where, "drop", named.get("drop", False)),
        hide=_hidden(where, named.get("hide", ())),
        certificate=_certificate(where, named.get("certificate")),
        **{
            name: _pattern(where, name, named.get(name, "" if name == "name" else "*"))
            for name in ("client", "user", "sender", "recipient", "name")
        },
    )
    return _checked(where, rule)


def effective_reply(rule: CatchRule) -> str:
    """What the rule says; ``""`` when the usual answer stays."""
    if rule.reply:
        return rule.reply
    if rule.greylist_s is not None:
        return GREYLISTED
    does_more = rule.delay_s or rule.drop or rule.tarpit_s or rule.hide or rule.certificate
    return "" if does_more else DEFAULT_REPLY.get(rule.at, "451 4.3.0 Temporary failure")


def _checked(where: str, rule: CatchRule) -> CatchRule:
    if rule.hide and rule.at is not Stage.EHLO:
        raise _wrong(where, "extensions are hidden at ehlo")
    if rule.certificate and rule.at not in (Stage.STARTTLS, Stage.CONNECT):
        raise _wrong(where, "a certificate is shown at starttls, or at connect with implicit TLS")
    if rule.reply[:1] in ("2", "3") and rule.at in KEEPS_ITS_REPLY:
        raise _wrong(where, f"a reply at {rule.at} refuses: 4xx or 5xx")
    if rule.reply[:1] == "3":
        raise _wrong(where, "only the server itself asks for more (3xx)")
    if (rule.sender, rule.recipient) != ("*", "*") and rule.at in KEEPS_ITS_REPLY[:4]:
        raise _wrong(where, f"at {rule.at} nobody has named a sender or recipient yet")
    if rule.recipient != "*" and rule.at is Stage.MAIL:
        raise _wrong(where, "at mail nobody has named a recipient yet")
    return rule


def _point(where: str, value: object) -> Stage:
    names = [stage.value for stage in RULE_POINTS]
    if not isinstance(value, str) or value.lower() not in names:
        raise _wrong(where, f"it begins with one of {', '.join(names)}")
    return Stage(value.lower())


def _reply(where: str, value: object) -> str:
    if value == "":
        return ""
    text = value.replace("\r\n", "\n").replace("\\n", "\n") if isinstance(value, str) else "?"
    lines = text.split("\n")
    found = [_REPLY_LINE.fullmatch(line) for line in lines]
    if not all(found) or len({match[1] for match in found if match}) > 1:
        raise _wrong(where, "a reply is a code and words, as 550 5.1.1 no such user")
    too_long = any(len(line.encode("utf-8", "replace")) > MOST_REPLY_LINE - 2 for line in lines)
    if too_long or len(lines) > MOST_REPLY_LINES:
        raise _wrong(where, "the reply is too long")
    return text


def _seconds(where: str, name: str, value: object) -> float:
    seconds: float | None = None
    if isinstance(value, str):
        found = _DURATION.fullmatch(value)
        seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    if seconds is None or not 0 <= seconds <= MOST_WAIT_S:
        raise _wrong(where, f"{name} is a time of at most an hour, as 500ms or 2s")
    return seconds


def _number(where: str, name: str, value: object, most: float) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) else -1.0
    except (ValueError, OverflowError):
        number = -1.0
    if not 0 <= number <= most:
        raise _wrong(where, f"{name} is a number from 0 to {most:g}")
    return number


def _flag(where: str, name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, f"{name} is true or false")
    return value


def _hidden(where: str, value: object) -> tuple[str, ...]:
    names = list(value) if isinstance(value, list | tuple) else None
    if names is None or not all(
        isinstance(n, str) and re.fullmatch(r"[\w-]{1,40}", n) for n in names
    ):
        raise _wrong(where, "hide names extensions, as SIZE,STARTTLS")
    return tuple(dict.fromkeys(name.upper() for name in names))


def _certificate(where: str, value: object) -> BadCertificate | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in list(BadCertificate):
        raise _wrong(where, f"certificate is one of {', '.join(BadCertificate)}")
    return BadCertificate(value)


def _pattern(where: str, name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > 320 or not value.isprintable():
        raise _wrong(where, f"{name} is a pattern of at most 320 characters")
    return "" if (name, value) == ("sender", "<>") else value


def _wrong(where: str, what: str) -> UsageError:
    return UsageError(
        what, where=where[:120], remedy='For example: rcpt recipient=full@* reply="452 4.2.2 full"'
    )
