"""SPF records and their macros (RFC 7208 sections 4.6, 5, 6, 7, 12), strictly by the grammar.

>>> [m.name for m in parse_spf("v=spf1 ip4:192.0.2.0/24 -all").mechanisms]
['ip4', 'all']
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

MOST_LENGTH = 253
_MACRO = r"%\{[slodiphcrtv][0-9]*r?[.\-+,/_=]*\}"
_STRING = re.compile(rf"(?:{_MACRO}|%%|%_|%-|[\x21-\x24\x26-\x7e])*", re.I)
_EXPAND = re.compile(r"%(?:\{([slodiphcrtv])([0-9]*)(r?)([.\-+,/_=]*)\}|([%_-]))", re.I)
_END = re.compile(rf"(?:.*(?:{_MACRO})|.*\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?)", re.I)
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)", re.I)
_MECHANISM = re.compile(
    r"([+?~-]?)([a-z][a-z0-9_.-]*)(:[^ ]*?)?(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?", re.I
)
_IP = re.compile(r"([+?~-]?)(ip4|ip6):([0-9a-f:.]+)(?:/(0|[1-9][0-9]{0,2}))?", re.I)
RESULTS = {"": "pass", "+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class SpfSyntaxError(ValueError):
    """The record does not follow the grammar: ``permerror``."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One mechanism. ``domain`` is a domain-spec with its macros, ``""`` for the current domain;
    ``network`` belongs to ``ip4`` and ``ip6``; prefixes to ``a`` and ``mx``."""

    result: str
    name: str
    domain: str = ""
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    prefix4: int = 32
    prefix6: int = 128
    text: str = ""


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """A whole record."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str = ""
    exp: str = ""


def is_spf(text: bytes) -> bool:
    """Whether a TXT record is an SPF record: the version is a word of its own (section 4.5)."""
    return text[:6].lower() == b"v=spf1" and text[6:7] in (b"", b" ")


def parse_spf(text: str) -> SpfRecord:
    """Read a record. Raises SpfSyntaxError; an unknown modifier is none (section 6)."""
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in text[6:].split(" "):
        if not term:
            continue
        modifier = _MODIFIER.fullmatch(term)
        if modifier is None:
            mechanisms.append(_mechanism(term))
            continue
        name, value = modifier[1].lower(), modifier[2]
        if name in ("redirect", "exp"):
            if name in modifiers:
                raise SpfSyntaxError(f"{name}= stands there twice")
            modifiers[name] = _domain_spec(value, term)
        elif not _STRING.fullmatch(value):
            raise SpfSyntaxError(f"{term!r} is no modifier")
    return SpfRecord(tuple(mechanisms), modifiers.get("redirect", ""), modifiers.get("exp", ""))


def _mechanism(term: str) -> Mechanism:
    ip = _IP.fullmatch(term)
    if ip is not None:
        return _ip(ip, term)
    found = _MECHANISM.fullmatch(term)
    if found is None:
        raise SpfSyntaxError(f"{term!r} is no mechanism")
    result, name = RESULTS[found[1]], found[2].lower()
    colon, prefix4, prefix6 = found[3], found[4], found[5]
    prefixed = prefix4 is not None or prefix6 is not None
    if name not in ("all", "include", "a", "mx", "ptr", "exists"):
        raise SpfSyntaxError(f"there is no mechanism {name!r}")
    if (prefixed and name not in ("a", "mx")) or (colon and name == "all"):
        raise SpfSyntaxError(f"{term!r} has more than it may")
    if (colon is None and name in ("include", "exists")) or colon == ":":
        raise SpfSyntaxError(f"{term!r} names no domain")
    bits4, bits6 = int(prefix4 or 32), int(prefix6 or 128)
    bits4, bits6 = int(prefix4) if prefix4 else bits4, int(prefix6) if prefix6 else bits6
    if bits4 > 32 or bits6 > 128:
        raise SpfSyntaxError(f"{term!r} has a prefix that is too long")
    domain = _domain_spec(colon[1:], term) if colon else ""
    return Mechanism(result, name, domain, None, bits4, bits6, term)


def _ip(found: re.Match[str], term: str) -> Mechanism:
    kind = found[2].lower()
    try:
        network = ipaddress.ip_network(
            f"{found[3]}/{found[4]}" if found[4] else found[3], strict=False
        )
    except ValueError as error:
        raise SpfSyntaxError(f"{term!r} is no network") from error
    if (network.version == 4) != (kind == "ip4"):
        raise SpfSyntaxError(f"{term!r} is no network of its kind")
    return Mechanism(RESULTS[found[1]], kind, "", network, text=term)


def _domain_spec(text: str, term: str) -> str:
    last = text.rstrip(".").rpartition(".")[2]
    if not _STRING.fullmatch(text) or not _END.fullmatch(text) or last.isdigit():
        raise SpfSyntaxError(f"{term!r} names no domain")
    if re.search(r"%\{[crt]", text, re.I):
        raise SpfSyntaxError(f"{term!r} has a macro for explanations only")
    if any(int(found[2]) == 0 for found in _EXPAND.finditer(text) if found[2]):
        raise SpfSyntaxError(f"{term!r} keeps no label")
    return text


def macros_in(text: str) -> set[str]:
    """Letters of the macros that a domain-spec uses, lower case."""
    return {found[1].lower() for found in _EXPAND.finditer(text) if found[1]}


def expand(text: str, values: Mapping[str, str]) -> str:
    """A domain-spec with its macros replaced (section 7.3), cut from the left to a name's length."""
    expanded = _EXPAND.sub(lambda found: _expanded(found, values), text)
    while len(expanded) > MOST_LENGTH and "." in expanded:
        expanded = expanded.partition(".")[2]
    return expanded


def _expanded(found: re.Match[str], values: Mapping[str, str]) -> str:
    if found[5] is not None:
        return {"%": "%", "_": " ", "-": "%20"}[found[5]]
    parts: Sequence[str] = re.split(f"[{re.escape(found[4] or '.')}]", values[found[1].lower()])
    parts = list(reversed(parts)) if found[3] else parts
    if found[2]:
        parts = parts[-min(int(found[2]), len(parts)) :]
    text = ".".join(parts)
    return quote(text, safe="-._~") if found[1].isupper() else text
