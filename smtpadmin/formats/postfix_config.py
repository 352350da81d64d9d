"""What ``postconf`` and ``postmulti`` print: settings and instances.

Source: postconf(1), postmulti(1). From 3.11 on both have ``-j``: one JSON object a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from smtpadmin.util.text import decode_line

MAIN_INSTANCE = "-"
"""What ``postmulti`` prints for an instance or group without a name."""


@dataclass(frozen=True, slots=True)
class PostfixInstance:
    """One instance; ``name`` and ``group`` are empty when it has none."""

    name: str
    group: str
    enabled: bool
    config_directory: str


def parse_postconf(output: bytes) -> dict[str, str]:
    """Settings by name, from ``name = value`` lines (folded ones too) or from ``-j``.

    >>> parse_postconf(b"relayhost =\\nmyhostname = mx1.example.org\\n")
    {'relayhost': '', 'myhostname': 'mx1.example.org'}
    """
    settings: dict[str, str] = {}
    last = ""
    for line in output.split(b"\n"):
        text = decode_line(line.rstrip(b"\r"))
        if text.startswith("{"):
            settings.update(_members(line))
        elif text[:1] in (" ", "\t") and last:
            settings[last] = f"{settings[last]} {text.strip()}".strip()
        elif "=" in text:
            name, _, value = text.partition("=")
            last = name.strip()
            settings[last] = value.strip()
    return settings


def parse_postmulti(output: bytes) -> tuple[PostfixInstance, ...]:
    """Instances from ``postmulti -l`` or ``-jl``, the main one first as printed."""
    found = []
    for line in output.split(b"\n"):
        if line.startswith(b"{"):
            members = _members(line)
            words = [
                members.get(key, "") for key in ("name", "group", "enabled", "config_directory")
            ]
        else:
            words = decode_line(line).split(None, 3)
        if len(words) == 4 and words[3].startswith("/") and words[2] in ("y", "n"):
            name, group, enabled, folder = (word.strip() for word in words)
            found.append(PostfixInstance(_given(name), _given(group), enabled == "y", folder))
    return tuple(found)


def version_of(text: str) -> tuple[int, int]:
    """Major and minor of a ``mail_version``; (0, 0) when it cannot be read.

    >>> version_of("3.7.11"), version_of("3.12-20260821")
    ((3, 7), (3, 12))
    """
    major, _, rest = text.strip().partition(".")
    minor = rest.replace("-", ".").partition(".")[0]
    if major.isdecimal() and minor.isdecimal() and len(major) < 5 and len(minor) < 5:
        return int(major), int(minor)
    return 0, 0


def seconds_of(text: str) -> int | None:
    """A time of ``postconf`` (``5d``, ``300s``; without a unit: seconds) in seconds.

    >>> seconds_of("5d")
    432000
    """
    units = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
    text = text.strip().lower()
    number, unit = (text[:-1], text[-1:]) if text[-1:] in units else (text, "s")
    if not (number.isascii() and number.isdigit() and len(number) < 12):
        return None
    return int(number) * units[unit]


def _given(word: str) -> str:
    return "" if word == MAIN_INSTANCE else word


def _members(line: bytes) -> Mapping[str, str]:
    try:
        found: Any = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}
