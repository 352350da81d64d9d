"""What a filter means: a predicate for one row, in plain Python.

The command line and small lists use it as it is; the row store asks the same tests of whole columns.
Matching ignores case. A field with ``*`` is compared as a whole (``to:*@example.org``), a word with
``*`` anywhere; ``code:4.7`` is the head of a code; a value that the server cannot say never matches.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from smtpadmin.model.filter import Filter, NumberTerm, TextTerm
from smtpadmin.model.log import LogRecord
from smtpadmin.model.queue import QueueEntry
from smtpadmin.model.tracking import TrackedMessage
from smtpadmin.services.columns import (
    LOG_COLUMNS,
    QUEUE_COLUMNS,
    TRACKED_COLUMNS,
    Column,
    Kind,
    Value,
)

T = TypeVar("T")
Matcher = Callable[[T, datetime], bool]

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}
_ADDRESSES = {"from", "to"}
_HELD = {"held", "hold"}


@dataclass(frozen=True, slots=True)
class TextTest:
    """Whether a case-folded column text holds what a term asks for (its negation aside).
    ``needle`` is set when that is the same as "contains ``needle``"."""

    test: Callable[[str], bool]
    needle: str | None = None


def text_test(term: TextTerm) -> TextTest:
    """The test of one term, for the folded text of a column."""
    wanted = term.text.casefold()
    if term.field in _ADDRESSES and (term.exact or wanted == "<>"):
        return _each(wanted.removeprefix("<").removesuffix(">").__eq__)
    if term.field == "state" and wanted in _HELD:
        return _each(_HELD.__contains__)
    if term.exact:
        return _each(wanted.__eq__)
    if "*" in wanted:
        return _each(Glob(wanted if term.field else f"*{wanted}*").matches)
    if term.field == "code":
        return _each(lambda value: value.startswith(wanted))
    return TextTest(lambda value: wanted in value, wanted)


def _each(test: Callable[[str], bool]) -> TextTest:
    return TextTest(lambda text: any(map(test, text.split("\n"))) if "\n" in text else test(text))


class Glob:
    """A pattern in which ``*`` stands for anything, compared with a whole value in linear time."""

    def __init__(self, pattern: str) -> None:
        self._head, *self._middle, self._tail = pattern.split("*")

    def matches(self, value: str) -> bool:
        """Whether the whole value fits."""
        if len(value) < len(self._head) + len(self._tail):
            return False
        if not (value.startswith(self._head) and value.endswith(self._tail)):
            return False
        position, end = len(self._head), len(value) - len(self._tail)
        for part in self._middle:
            found = value.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True


def columns_of(columns: Sequence[Column[T]], term: TextTerm | NumberTerm) -> list[Column[T]]:
    """The columns in which a term looks; none when these rows have no such field."""
    if isinstance(term, TextTerm) and term.field is None:
        return [column for column in columns if column.anywhere]
    return [column for column in columns if column.field == term.field]


def unanswered_fields(columns: Sequence[Column[T]], wanted: Filter) -> tuple[str, ...]:
    """Fields of a filter that these rows do not have, so that nothing can match them."""
    missing = [t.field for t in wanted.terms if t.field and not columns_of(columns, t)]
    return tuple(dict.fromkeys(missing))


def matcher(columns: Sequence[Column[T]], wanted: Filter) -> Matcher[T]:
    """``match(row, now)``: whether a row passes all terms; ``now`` is what ages count from."""
    tests = [_term_matcher(columns_of(columns, term), term) for term in wanted.terms]
    return lambda row, now: all(test(row, now) for test in tests)


def queue_matcher(wanted: Filter) -> Matcher[QueueEntry]:
    """A predicate for queue entries."""
    return matcher(QUEUE_COLUMNS, wanted)


def log_matcher(wanted: Filter) -> Matcher[LogRecord]:
    """A predicate for log records."""
    return matcher(LOG_COLUMNS, wanted)


def tracked_matcher(wanted: Filter) -> Matcher[TrackedMessage]:
    """A predicate for tracked messages."""
    return matcher(TRACKED_COLUMNS, wanted)


def _term_matcher(columns: list[Column[T]], term: TextTerm | NumberTerm) -> Matcher[T]:
    if isinstance(term, NumberTerm):
        return _number_matcher(columns, term)
    test = text_test(term).test

    def match(row: T, now: datetime) -> bool:
        values = (column.key(row) for column in columns)
        return any(isinstance(v, str) and test(v.casefold()) for v in values) != term.negated

    return match


def _number_matcher(columns: list[Column[T]], term: NumberTerm) -> Matcher[T]:
    compare = COMPARISONS[term.operator]

    def match(row: T, now: datetime) -> bool:
        values = (_as_number(column.kind, column.key(row), now) for column in columns)
        return any(v is not None and compare(v, term.value) for v in values) != term.negated

    return match


def _as_number(kind: Kind, value: Value, now: datetime) -> float | None:
    if kind is Kind.TIME and isinstance(value, datetime):
        return now.timestamp() - value.timestamp()
    return value if isinstance(value, int | float) else None
