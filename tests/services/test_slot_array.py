"""Values by slot behave as a list that forgets its beginning."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.services import slot_array
from smtpadmin.services.slot_array import EMPTY, GrowingOrder, SlotArray, SlotList, chosen, room_for

steps = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4), st.booleans()), max_size=20)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


@given(steps)
def test_slots_keep_their_value_while_the_beginning_goes(
    steps: list[tuple[int, int, bool]],
) -> None:
    array, objects = SlotArray(np.float64), SlotList("")
    wanted: list[int] = []
    first = 0
    for count, gone, renumbers in steps:
        new = list(range(len(wanted), len(wanted) + count))
        array[len(wanted) : len(wanted) + count] = new
        objects.write(len(wanted), [str(n) for n in new])
        wanted += new
        first = min(first + gone, len(wanted))
        array.cut(first, len(wanted))
        objects.cut(first, len(wanted))
        if renumbers:
            kept = np.arange(first, len(wanted), 2, dtype=np.int32)
            array.renumber(kept)
            objects.renumber(kept)
            wanted, first = [wanted[slot] for slot in kept], 0
        left = np.arange(first, len(wanted), dtype=np.int32)
        assert array[left].tolist() == array[first : len(wanted)].tolist() == wanted[first:]
        assert objects[left] == objects[first : len(wanted)] == [str(n) for n in wanted[first:]]
        assert array.first == objects.first == first


def test_single_slots_are_overwritten() -> None:
    array = SlotArray(np.int32)
    array[0:4] = [1, 2, 3, 4]
    array.cut(1, 4)
    array[ints(3, 1)] = [40, 20]
    assert array[1:4].tolist() == [20, 3, 40]


def test_an_object_is_let_go_before_its_slot_is() -> None:
    objects = SlotList[str | None](None)
    objects.write(0, ["a", "b", "c"])
    objects.release([0, 2])
    assert objects[0:3] == [None, "b", None]
    assert objects[1] == "b"


def test_a_large_array_gets_the_room_it_may_need_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_array, "_SMALL", 2_048)
    array = SlotArray(np.bool_, 10_000)
    lengths = []
    for end in (1, 1_025, 2_049, 10_001):
        array[end - 1 : end] = True
        lengths.append(len(array._values))
    assert lengths == [1_024, 2_048, 10_000, 20_000]


def test_the_room_of_a_full_log_holds_its_empty_slots() -> None:
    assert room_for(1_000_000) > 1_250_000


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 99), max_size=400), st.integers(0, 300)), max_size=12
    )
)
def test_an_order_grows_and_what_was_given_before_stays(
    steps: list[tuple[list[int], int]],
) -> None:
    growing, order, wanted = GrowingOrder(), EMPTY, list[int]()
    given = []
    for new, gone in steps:
        order, wanted = growing.appended(order, ints(*new)), wanted + new
        given.append((order, wanted))
        order, wanted = order[gone:], wanted[gone:]
    for order, wanted in given:
        assert order.tolist() == wanted


def test_an_order_that_lost_its_end_does_not_overwrite_what_others_see() -> None:
    growing = GrowingOrder()
    whole = growing.appended(EMPTY, ints(1, 2, 3))
    assert growing.appended(whole[:1], ints(9)).tolist() == [1, 9]
    assert whole.tolist() == [1, 2, 3]


def test_an_order_is_not_copied_for_each_batch() -> None:
    growing = GrowingOrder()
    one = growing.appended(EMPTY, ints(1))
    two = growing.appended(one, ints(2))
    assert np.shares_memory(one, two)


def test_chosen_is_what_a_mask_gives() -> None:
    assert chosen(ints(5, 6, 7), np.array([True, False, True])).tolist() == [5, 7]


def test_rows_that_are_sequences_stay_what_they_are() -> None:
    objects = SlotList[object](None)
    objects.write(0, [(1, 2), (3, 4), [5], "ab"])
    assert objects[0:4] == [(1, 2), (3, 4), [5], "ab"]
    assert objects[1] == (3, 4)


def test_a_full_log_needs_no_more_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_array, "_PIECE", 10)
    objects = SlotList[int | None](None)
    for n in range(0, 500, 5):
        objects.write(n, range(n, n + 5))
        if n >= 20:
            objects.release(range(n - 20, n - 15))
            objects.cut(n - 15, n + 5)
            assert objects[n - 15 : n + 5] == list(range(n - 15, n + 5))
    assert len(objects._pieces) <= 4


def test_objects_are_put_one_by_one_and_no_collection_looks_at_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slot_array, "_PIECE", 4)
    objects = SlotList("")
    for n in range(10):
        objects.put(n, str(n))
    objects.put(3, "three")
    assert objects[0:10] == ["0", "1", "2", "three", *"456789"]
    assert not any(map(gc.is_tracked, objects._pieces))
