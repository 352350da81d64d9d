"""The filter language as text: parse, write, add and remove terms, complete.

One parser serves queue, log, tracking, saved views and the command line's ``--filter``. Knows the
spelling alone; what a term means for a row is ``services.filtering``.

    timeout               the word anywhere
    from:bob              a field holds the text; ``*`` matches anything: ``to:*@example.org``
    domain=example.org    the whole value, exactly; ``from=<>`` is the null sender
    age>1h size>=1.5M     comparisons; s m h d w and K M G (1K is 1024 octets)
    reason:"too many"     quotes hold spaces; inside them ``\\"`` and ``\\\\``
    -state:hold           not
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from smtpadmin.model.errors import UsageError
from smtpadmin.model.filter import FILTER_FIELDS, NUMBER_FIELDS, Filter, NumberTerm, TextTerm

Term = TextTerm | NumberTerm

MAX_LENGTH = 10_000
"""Characters of one filter."""

SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
OCTETS = {"G": 1 << 30, "M": 1 << 20, "K": 1 << 10}

KNOWN_VALUES: Mapping[str, Sequence[str]] = {
    "state": ("active", "deferred", "hold", "incoming"),
    "code": ("4", "5"),
}
"""Values offered by :func:`complete` when the caller knows none."""

_NUMBER_EXAMPLES = {
    "age": (">1h", ">1d", "<10m"),
    "size": (">100K", ">1M", ">10M"),
    "tries": (">=1", ">=5", ">=10"),
}
_HEAD = re.compile(r"([A-Za-z]+)(:|>=|<=|>|<|=)")
_NUMBER = re.compile(r"(\d{1,30}(?:\.\d{1,30})?)([A-Za-z]*)")
_PLAIN = re.compile(r"[^\s\"-][^\s\"]*")
_BARE = re.compile(r"\S*")
_EXACT_MAX = 2**53


class FilterError(UsageError):
    """A filter that cannot be read; ``start`` and ``end`` are the place in its text."""

    def __init__(self, what: str, start: int, end: int, *, remedy: str = "") -> None:
        super().__init__(what, where=f"filter, character {start + 1}", remedy=remedy)
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class PlacedTerm:
    """A term and where it stands in the text (``text[start:end]``)."""

    term: Term
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Completion:
    """Put ``text`` in place of ``[start:end]``."""

    text: str
    start: int
    end: int


def parse_filter(text: str) -> Filter:
    """The filter that ``text`` spells. Raises FilterError, which says where it is wrong."""
    return Filter(tuple(placed.term for placed in parse_terms(text)), text)


def parse_terms(text: str) -> tuple[PlacedTerm, ...]:
    """The terms with their places. Raises FilterError."""
    if len(text) > MAX_LENGTH:
        raise FilterError(
            f"the filter is longer than {MAX_LENGTH} characters", MAX_LENGTH, len(text)
        )
    return tuple(_terms(text))


def _terms(text: str) -> Iterator[PlacedTerm]:
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text):
            return
        term, end = _term(text, position)
        yield PlacedTerm(term, position, end)
        position = end


def _term(text: str, start: int) -> tuple[Term, int]:
    negated = text[start] == "-"
    body = start + negated
    head = _HEAD.match(text, body)
    field = head[1].lower() if head else ""
    if head is None or _is_word(field, head[2]):
        word, end = _value(text, body, "a word")
        return TextTerm(None, word, negated), end
    if field in NUMBER_FIELDS:
        return _number_term(text, head, negated)
    if field not in FILTER_FIELDS:
        raise _unknown_field(text, head)
    if head[2] not in (":", "="):
        raise FilterError(
            f"{field} is a text and cannot be compared with {head[2]}",
            *head.span(2),
            remedy=f"Write {field}: and a part of it, or {field}= and all of it.",
        )
    value, end = _value(text, head.end(), f"a value after {head[0]}")
    return TextTerm(field, value, negated, exact=head[2] == "="), end


def _is_word(field: str, operator: str) -> bool:
    """``status=sent`` is pasted log text, not a misspelt field."""
    return operator == "=" and field not in FILTER_FIELDS and field not in NUMBER_FIELDS


def _unknown_field(text: str, head: re.Match[str]) -> FilterError:
    close = difflib.get_close_matches(head[1].lower(), (*FILTER_FIELDS, *NUMBER_FIELDS), 1)
    hint = f"Did you mean {close[0]}? " if close else ""
    return FilterError(
        f"there is no field {head[1]!r}",
        *head.span(1),
        remedy=f'{hint}To search for the text itself, put it in "quotes".',
    )


def _value(text: str, start: int, wanted: str) -> tuple[str, int]:
    if text.startswith('"', start):
        value, end = _quoted(text, start)
    else:
        bare = _BARE.match(text, start)
        value, end = (bare[0], bare.end()) if bare else ("", start)
    if not value:
        raise FilterError(f"{wanted} is missing", start, end)
    return value, end


def _quoted(text: str, start: int) -> tuple[str, int]:
    out: list[str] = []
    position = start + 1
    while position < len(text):
        character = text[position]
        if character == '"':
            return "".join(out), _end_of_quoted(text, position + 1)
        if character == "\\" and text[position + 1 : position + 2] in ('"', "\\"):
            position += 1
            character = text[position]
        out.append(character)
        position += 1
    raise FilterError("the quote is not closed", start, len(text), remedy='Add a ".')


def _end_of_quoted(text: str, end: int) -> int:
    if end < len(text) and not text[end].isspace():
        raise FilterError("a space is missing after the closing quote", end, end + 1)
    return end


def _number_term(text: str, head: re.Match[str], negated: bool) -> tuple[NumberTerm, int]:
    field, operator = head[1].lower(), head[2]
    example = field + _NUMBER_EXAMPLES[field][0]
    if operator == ":":
        raise FilterError(
            f"{field} is a number", *head.span(), remedy=f"Compare it, as in {example}."
        )
    bare = _BARE.match(text, head.end())
    end = bare.end() if bare else head.end()
    number = _NUMBER.fullmatch(text, head.end(), end)
    factor = _factor(field, number[2]) if number else None
    if number is None or factor is None:
        raise FilterError(
            f"{text[head.end() : end]!r} is not a {_UNIT_WORDS[field]}"
            if end > head.end()
            else f"a {_UNIT_WORDS[field]} is missing",
            head.end(),
            max(end, head.end() + 1),
            remedy=f"For example {example}.",
        )
    return NumberTerm(field, operator, float(number[1]) * factor, negated), end


_UNIT_WORDS = {"age": "time (s m h d w)", "size": "size (K M G)", "tries": "number"}


def _factor(field: str, unit: str) -> int | None:
    """What one unit is, in seconds or octets; None when the field has no such unit."""
    if not unit:
        return 1
    if field == "age":
        return SECONDS.get(unit.lower())
    if field == "size":
        plain = unit.upper().removesuffix("B").removesuffix("I")
        return OCTETS.get(plain) if plain else 1
    return None


def format_filter(wanted: Filter) -> str:
    """A text that :func:`parse_filter` reads back into the same terms."""
    return " ".join(format_term(term) for term in wanted.terms)


def format_term(term: Term) -> str:
    """One term as text."""
    sign = "-" if term.negated else ""
    if isinstance(term, NumberTerm):
        return f"{sign}{term.field}{term.operator}{_format_number(term)}"
    if term.field is None:
        return sign + (_quote(term.text) if _HEAD.match(term.text) else _text(term.text))
    return f"{sign}{term.field}{'=' if term.exact else ':'}{_text(term.text)}"


def _text(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _quote(text)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _format_number(term: NumberTerm) -> str:
    units = {"age": SECONDS, "size": OCTETS}.get(term.field, {})
    if term.value and term.value < _EXACT_MAX:
        for unit, factor in units.items():
            if term.value % factor == 0:
                return f"{int(term.value) // factor}{unit}"
    plain = format(Decimal(repr(term.value)), "f")
    return plain.removesuffix(".0")


def add_term(text: str, term: Term) -> str:
    """``text`` with ``term`` ("Filter for"; negated: "Exclude"); its opposite goes, a second
    copy is not added. Raises FilterError when ``text`` cannot be read."""
    text = remove_term(text, replace(term, negated=not term.negated))
    if any(placed.term == term for placed in parse_terms(text)):
        return text
    return f"{text.rstrip()} {format_term(term)}".lstrip()


def remove_term(text: str, term: Term) -> str:
    """``text`` without ``term``, the rest as it was typed. Raises FilterError."""
    for placed in reversed(parse_terms(text)):
        if placed.term == term:
            text = f"{text[: placed.start].rstrip()} {text[placed.end :].lstrip()}".strip()
    return text


def toggle_term(text: str, term: Term) -> str:
    """Remove ``term`` when it is there, else add it: what a chip does. Raises FilterError."""
    there = any(placed.term == term for placed in parse_terms(text))
    return remove_term(text, term) if there else add_term(text, term)


def complete(
    text: str, cursor: int, values: Mapping[str, Sequence[str]] | None = None
) -> list[Completion]:
    """What could stand at ``cursor``: field names, comparisons, or ``values`` of a field (by field
    name, most frequent first). Never raises; an empty list when nothing fits."""
    start = cursor
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    typed = text[start:cursor]
    sign, typed = ("-", typed[1:]) if typed.startswith("-") else ("", typed)
    field, colon, begun = typed.partition(":")
    if colon:
        candidates = _values(field.lower(), begun.lstrip('"'), values or {})
    else:
        candidates = _heads(typed.lower())
    return [Completion(sign + candidate, start, cursor) for candidate in candidates]


def _heads(begun: str) -> list[str]:
    fields = [f"{name}:" for name in FILTER_FIELDS]
    numbers = [name + tail for name in NUMBER_FIELDS for tail in _NUMBER_EXAMPLES[name]]
    return [head for head in (*fields, *numbers) if head.startswith(begun) and head != begun]


def _values(field: str, begun: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    if field not in FILTER_FIELDS:
        return []
    known = values.get(field) or KNOWN_VALUES.get(field, ())
    begun = begun.lower()
    fitting = [value for value in known if value and begun in value.lower()]
    fitting.sort(key=lambda value: not value.lower().startswith(begun))
    return [format_term(TextTerm(field, value)) for value in fitting]
