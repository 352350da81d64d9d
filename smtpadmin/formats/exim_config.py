"""What Exim says about itself: ``exim -bV`` and ``exim -bP OPTION…``; where its logs are.

``-bP`` prints ``name = value``, a switch as ``name`` or ``no_name``, and ``name is not a known
option``. Exim specification, "-bP", "log_file_path".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HIDDEN: Final = "<value not displayable>"
"""What Exim prints instead of a value that this account may not see."""

LOG_NAMES = ("main", "reject", "panic")
_VERSION = re.compile(r"Exim version (?P<version>\S{1,100})")
_CONFIGURATION = re.compile(r"Configuration file is (?P<path>/.*)")
_OPTION = re.compile(r"(?P<name>[a-z][a-z0-9_]*)(?: =(?: (?P<value>.*))?)?")
_MOST_VALUE = 10_000


@dataclass(frozen=True, slots=True)
class EximBuild:
    """From ``exim -bV``; empty where it does not say."""

    version: str = ""
    configuration: str = ""
    features: tuple[str, ...] = ()


def parse_build(output: str) -> EximBuild:
    """The version, the configuration file in use and the features built in."""
    version = _VERSION.search(output)
    path = _CONFIGURATION.search(output)
    support = next((x for x in output.splitlines() if x.startswith("Support for:")), "")
    return EximBuild(
        version["version"] if version else "",
        path["path"].strip() if path else "",
        tuple(support.removeprefix("Support for:").split()),
    )


def parse_options(output: str) -> dict[str, str]:
    """Options by name; a switch is ``yes`` or ``no``, a hidden value is :data:`HIDDEN`.

    >>> parse_options("message_logs\\nno_split_spool_directory\\nspool_directory = /var/spool/exim")
    {'message_logs': 'yes', 'split_spool_directory': 'no', 'spool_directory': '/var/spool/exim'}
    """
    found: dict[str, str] = {}
    for line in output.splitlines():
        option = _OPTION.fullmatch(line[:_MOST_VALUE].rstrip())
        if option is None:
            continue
        name, value = option["name"], option["value"]
        if "=" in line:
            found[name] = (value or "").strip()
        elif name.startswith("no_"):
            found[name.removeprefix("no_")] = "no"
        else:
            found[name] = "yes"
    return found


@dataclass(frozen=True, slots=True)
class LogPlaces:
    """Where Exim logs: the files by name (``main``, ``reject``, ``panic``), with ``*`` where a date
    stands, and whether syslog gets the lines (too)."""

    files: Mapping[str, str]
    syslog: bool = False


def log_places(log_file_path: str, spool_directory: str) -> LogPlaces:
    """The logs of a ``log_file_path``: ``%s`` is the log's name, ``%D`` and ``%M`` are dates.

    Empty means files in the spool directory; ``syslog`` may stand beside a path in the list.

    >>> log_places("/var/log/exim/%slog", "/var/spool/exim").files["main"]
    '/var/log/exim/mainlog'
    """
    parts = [part.strip() for part in _split_list(log_file_path)]
    syslog = "syslog" in parts
    paths = [part for part in parts if part.startswith("/")]
    to_file = bool(paths) or not syslog or "" in parts[1:]
    pattern = paths[0] if paths else f"{spool_directory.rstrip('/')}/log/%slog"
    return LogPlaces({n: _expanded(pattern, n) for n in LOG_NAMES} if to_file else {}, syslog)


def _split_list(text: str) -> list[str]:
    """Exim's lists are split at single colons, ``::`` is one colon; ``<;`` changes the separator."""
    changed = re.match(r"\s*<(\W)(.*)", text, re.DOTALL)
    separator, text = (changed[1], changed[2]) if changed else (":", text)
    marked = text.replace(separator * 2, "\0")
    return [part.replace("\0", separator) for part in marked.split(separator)]


def _expanded(pattern: str, name: str) -> str:
    dated = re.sub(r"%[DM]", "*", pattern)
    return dated.replace("%s", name) if "%s" in dated else dated
