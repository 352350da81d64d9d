"""Signals: weak for methods, strong for functions, undisturbed by a receiver that raises."""

from __future__ import annotations

import gc
import logging

import pytest

from smtpadmin.util.signal import Signal


class Receiver:
    def __init__(self) -> None:
        self.got: list[int] = []

    def on_value(self, value: int) -> None:
        self.got.append(value)

    def on_value_broken(self, value: int) -> None:
        raise RuntimeError(value)


def test_receivers_are_called_in_order() -> None:
    signal: Signal[[int]] = Signal()
    calls: list[str] = []
    signal.connect(lambda value: calls.append(f"a{value}"))
    signal.connect(lambda value: calls.append(f"b{value}"))
    signal.emit(1)
    assert calls == ["a1", "b1"]


def test_a_dead_receiver_vanishes() -> None:
    signal: Signal[[int]] = Signal()
    receiver = Receiver()
    signal.connect(receiver.on_value)
    del receiver
    gc.collect()
    signal.emit(1)
    assert signal._receivers == []


def test_disconnect_stops_one_and_only_one() -> None:
    signal: Signal[[int]] = Signal()
    first, second = Receiver(), Receiver()
    signal.connect(first.on_value)
    signal.connect(second.on_value)
    signal.disconnect(first.on_value)
    signal.emit(3)
    assert (first.got, second.got) == ([], [3])


def test_one_that_raises_is_logged_and_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    signal: Signal[[int]] = Signal()
    receiver = Receiver()
    signal.connect(receiver.on_value_broken)
    signal.connect(receiver.on_value)
    with caplog.at_level(logging.ERROR):
        signal.emit(5)
    assert receiver.got == [5]
    assert "a receiver of a signal failed" in caplog.text
    caplog.clear()


def test_a_receiver_may_disconnect_itself_while_called() -> None:
    signal: Signal[[int]] = Signal()

    class Once:
        count = 0

        def on_value(self, value: int) -> None:
            self.count += value
            signal.disconnect(self.on_value)

    once = Once()
    signal.connect(once.on_value)
    signal.emit(1)
    signal.emit(1)
    assert once.count == 1


def test_a_method_of_a_built_in_type_is_a_receiver() -> None:
    signal: Signal[[int]] = Signal()
    heard: list[int] = []
    signal.connect(heard.append)
    signal.emit(1)
    signal.disconnect(heard.append)
    signal.emit(2)
    assert heard == [1]
