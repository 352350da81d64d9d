"""Delivery status fields (RFC 3464 section 2), wherever they stand and however they are broken.

They come in a ``message/delivery-status`` part, and in texts of servers that do not make one.

>>> read_delivery_status("Final-Recipient: rfc822; a@b.example\\nAction: failed\\nStatus: 5.1.1")
(ReportedRecipient(address='a@b.example', action='failed', status='5.1.1', diagnostic=''),)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from smtpadmin.model.bounce import ReportedRecipient

MOST_RECIPIENTS = 1_000
MOST_VALUE = 4_000
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)", re.S)
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_TYPE = re.compile(r"\s*[A-Za-z0-9-]{1,40}\s*;\s*")
_RECIPIENT = ("final-recipient", "original-recipient", "x-actual-recipient")
ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})


def read_delivery_status(text: str) -> tuple[ReportedRecipient, ...]:
    """The recipients of a report. A group of fields without a recipient is the message's own, and
    gives what a recipient's group lacks."""
    common: dict[str, str] = {}
    found: list[ReportedRecipient] = []
    for group in field_groups(text):
        if not any(name in group for name in _RECIPIENT):
            common = {**group, **common}
            continue
        recipient = _recipient({**common, **group})
        if recipient is not None:
            found.append(recipient)
        if len(found) >= MOST_RECIPIENTS:
            break
    return tuple(found)


def field_groups(text: str) -> Iterable[dict[str, str]]:
    """Fields up to an empty line, or up to a second recipient: some servers forget the line."""
    group: dict[str, str] = {}
    for line in _unfolded(text):
        field = _FIELD.fullmatch(line)
        if field is None:
            if group:
                yield group
            group = {}
            continue
        name, value = field[1].lower(), " ".join(field[2].split())[:MOST_VALUE]
        if name == "final-recipient" and name in group:
            yield group
            group = {}
        group.setdefault(name, value)
    if group:
        yield group


def _unfolded(text: str) -> Iterable[str]:
    waiting: list[str] = []
    for line in text.split("\n"):
        if line[:1] in (" ", "\t") and line.strip() and waiting:
            waiting.append(line.strip())
            continue
        if waiting:
            yield " ".join(waiting)
        waiting = [line.strip()]
    if waiting:
        yield " ".join(waiting)


def _recipient(group: Mapping[str, str]) -> ReportedRecipient | None:
    address = _best_address([_address(group.get(name, "")) for name in _RECIPIENT])
    action = group.get("action", "").lower().split(" ")[0].strip(";,.")
    status = _STATUS.search(group.get("status", ""))
    if not address or not (action or status):
        return None
    if action not in ACTIONS:
        action = "delivered" if status is not None and status[0].startswith("2") else "failed"
    diagnostic = group.get("diagnostic-code", "")
    return ReportedRecipient(
        address, action, status[0] if status else None, _TYPE.sub("", diagnostic, count=1)
        if _TYPE.match(diagnostic) else diagnostic,
    )  # fmt: skip


def _best_address(named: list[str]) -> str:
    """The final one, unless it means something to the last server alone (``user@store``, X.400)."""
    public = (a for a in named if re.fullmatch(r"[^\s@/][^\s@]*@[^\s@]*\.[^\s@]*", a))
    return next(public, "") or next(filter(None, named), "")


def _address(value: str) -> str:
    """Without ``rfc822;`` (which some leave out), angle brackets, and a source route."""
    typed = _TYPE.match(value)
    bare = (value[typed.end() :] if typed else value).strip().removeprefix("<").removesuffix(">")
    if bare.startswith("@") and ":" in bare:
        bare = bare.partition(":")[2]
    return bare.strip(" ;")
