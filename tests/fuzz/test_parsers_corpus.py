"""What the fuzzer found worth keeping is parsed again in every run."""

from __future__ import annotations

import pytest

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.tracking.files import FORMATS, LogFormat
from tests.fuzz import parsers_target
from tests.fuzz.fuzz_parsers import without_repetition
from tests.fuzz.parsers_target import NAMES, check, read_corpus


def test_every_kept_input_is_parsed() -> None:
    inputs = read_corpus()
    assert {octets[0] % len(NAMES) for octets in inputs if octets} == set(range(len(NAMES)))
    for octets in inputs:
        check(octets)


def test_the_check_sees_a_lost_line(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = FORMATS["postfix"]

    def losing(clock: LogClock) -> object:
        parse = whole.parser(clock)
        return lambda line, **where: parse(line[:5], **where)

    monkeypatch.setattr(
        parsers_target, "FORMATS", {n: LogFormat(whole.looks_like, losing) for n in NAMES}
    )  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        check(b"a long line")


def test_of_inputs_that_go_the_same_way_the_shortest_is_kept() -> None:
    check(b"\x00")
    short, long = b"\x00Jun  6 x", b"\x00Jun  6 x y z"
    assert without_repetition([long, short, long]) == [short]
