from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.postfix_postsuper import (
    EXPIRED,
    HELD,
    MOST_PROBLEMS,
    RELEASED,
    REMOVED,
    parse_postsuper,
)

SAMPLE = Path(__file__).parents[3] / "shared/lab/samples/postfix-postsuper.txt"


def test_one_removed_and_one_that_was_not_there() -> None:
    report = parse_postsuper(
        b"postsuper: 5995920C316: removed\n"
        b"postsuper: warning: invalid mail queue id: BAD../ID\n"
        b"postsuper: Deleted: 1 message\n"
    )
    assert report.was("5995920C316", REMOVED)
    assert not report.was("5995920C317", REMOVED)
    assert report.totals == {REMOVED: 1}
    assert report.problems == ("postsuper: warning: invalid mail queue id: BAD../ID",)
    assert report.agrees


def test_two_things_are_said_of_one_message() -> None:
    report = parse_postsuper(
        b"postsuper: E3CF02269CD: expired\npostsuper: E3CF02269CD: released from hold\n"
        b"postsuper: Force-expired: 1 message\npostsuper: Released from hold: 1 message\n"
    )
    assert report.done == {"E3CF02269CD": (EXPIRED, RELEASED)}
    assert report.agrees


def test_a_total_that_does_not_agree_is_noticed() -> None:
    assert not parse_postsuper(b"postsuper: Placed on hold: 3 messages\n").agrees


@pytest.mark.parametrize(
    "said",
    [
        b"postsuper: fatal: use of this command is reserved for the superuser",
        b"postsuper: fatal: CHECK YOUR QUEUE IDS AND RE-ISSUE THE COMMAND",
        b"postsuper: A1B2C3D4: removed by somebody",
    ],
)
def test_anything_else_is_a_problem(said: bytes) -> None:
    report = parse_postsuper(said)
    assert report.problems == (said.decode(),)
    assert not report.done


def test_what_was_really_said() -> None:
    if not SAMPLE.exists():
        pytest.skip(f"{SAMPLE} is not there")
    lines = [x for x in SAMPLE.read_bytes().splitlines() if x.startswith(b"postsuper:")]
    report = parse_postsuper(b"\n".join(lines))
    assert report.problems == ()
    assert report.was("361EC22695B", HELD)
    assert report.was("361EC22695B", RELEASED)


@given(st.binary())
def test_nothing_is_raised_and_little_is_kept(octets: bytes) -> None:
    report = parse_postsuper(octets)
    assert len(report.problems) <= MOST_PROBLEMS
