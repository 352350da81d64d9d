"""The age by domain table against a count by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.services.columns import QUEUE_COLUMNS
from smtpadmin.services.qshape import MINUTES, queue_shape, store_shape
from smtpadmin.services.row_store import RowStore

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)


def entry(minutes: float | None, *recipients: str, sender: str = "a@corp.example") -> QueueEntry:
    arrived = None if minutes is None else NOW - timedelta(minutes=minutes)
    return QueueEntry("1", "deferred", arrived, 1, sender, tuple(map(QueueRecipient, recipients)))


def test_recipients_count_in_their_domain_and_bracket() -> None:
    shape = queue_shape(
        [
            entry(3, "a@one.example", "b@One.Example", "c@two.example"),
            entry(15, "d@two.example"),
            entry(9_999, "e@two.example"),
            entry(None, "f@two.example"),
            entry(-2, "g@two.example"),
        ],
        NOW,
    )
    assert [(row.domain, row.total) for row in shape.rows] == [
        ("two.example", 5),
        ("one.example", 2),
    ]
    assert shape.rows[0].by_age == (2, 0, 1, 0, 0, 0, 0, 0, 0, 1)
    assert shape.total.by_age == (4, 0, 1, 0, 0, 0, 0, 0, 0, 1)
    assert (shape.total.total, shape.unknown_age) == (7, 1)


def test_delivered_recipients_wait_no_more() -> None:
    half = replace(entry(1), recipients=(QueueRecipient("a@x.example", delivered=True),))
    assert queue_shape([half], NOW).rows == ()


def test_by_sender() -> None:
    shape = queue_shape(
        [entry(1, "a@x.example"), entry(1, "b@x.example", sender="")], NOW, by_sender=True
    )
    assert [(row.domain, row.total) for row in shape.rows] == [("", 1), ("corp.example", 1)]


@pytest.mark.parametrize(("minutes", "bracket"), [(5, 0), (5.01, 1), (1280, 8), (1281, 9), (0, 0)])
def test_brackets_include_their_upper_bound(minutes: float, bracket: int) -> None:
    assert queue_shape([entry(minutes, "a@x.example")], NOW).rows[0].by_age[bracket] == 1


@given(st.lists(st.tuples(st.none() | st.integers(0, 5_000), st.sampled_from("abc"))))
def test_nothing_is_lost(waiting: list[tuple[int | None, str]]) -> None:
    shape = queue_shape([entry(m, f"u@{d}.example") for m, d in waiting], NOW)
    assert shape.total.total == sum(row.total for row in shape.rows) == len(waiting)
    assert sum(shape.total.by_age) + shape.unknown_age == len(waiting)
    assert all(len(row.by_age) == len(MINUTES) + 1 for row in shape.rows)


ADDRESSES = st.lists(
    st.sampled_from(["a@one.example", "b@One.example", "c@two.example", "d"]), max_size=3
)


@given(st.lists(st.tuples(st.none() | st.floats(-9, 3_000), ADDRESSES), max_size=20))
def test_a_store_counts_as_its_rows_do(messages: list[tuple[float | None, list[str]]]) -> None:
    rows = [entry(minutes, *recipients) for minutes, recipients in messages]
    store: RowStore[QueueEntry] = RowStore(QUEUE_COLUMNS)
    store.append(rows)
    assert store_shape(store, NOW) == queue_shape(rows, NOW)


def test_an_empty_store_has_an_empty_shape() -> None:
    assert store_shape(RowStore(QUEUE_COLUMNS), NOW).total.total == 0
