"""What an Exim line is to the search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.tracking.dialect import Kind, Link
from smtpadmin.tracking.exim_lines import alone, child_fits, kind, links, own

STAMP = b"2026-03-02 09:44:33 "
OLD, NEW = b"1rABcd-000DEF-99", b"1rABcd-00000001abC-2dEf"


@pytest.mark.parametrize(
    "line",
    [
        STAMP + b"%s Completed",
        STAMP + b"[4711] %s Completed QT=3s",
        b"2026-03-02 09:44:33.123 +0100 [4711] %s <= a@example.org",
        b"Mar  2 09:44:33 mx1 exim[4711]: 2026-03-02 09:44:33 %s Completed",
        b"Mar  2 09:44:33 mx1 exim[4711]: %s Completed",
    ],
)
@pytest.mark.parametrize("queue_id", [OLD, NEW])
def test_ids_of_both_lengths_after_every_kind_of_stamp(line: bytes, queue_id: bytes) -> None:
    found = own(line % queue_id)
    assert found is not None
    assert found.queue_id == queue_id


@pytest.mark.parametrize(
    "line",
    [
        b"I Message-Id: <x>",
        STAMP + b"H=x [192.0.2.1] F=<a@b> rejected RCPT <c@d>: no",
        b"",
        STAMP + b"1rABcd Completed",
    ],
)
def test_other_lines_have_no_id(line: bytes) -> None:
    assert own(line) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"<= a@example.org H=x", Kind.BIRTH),
        (b"Completed QT=1s", Kind.END),
        (b"H=x [192.0.2.1] F=<a@b> rejected after DATA: spam", Kind.ABORT),
        (b"=> c@d R=Completed", Kind.OTHER),
        (b"H=x [192.0.2.1] Warning: rejected after all", Kind.OTHER),
    ],
)
def test_the_place_of_a_line_in_its_life(text: bytes, expected: Kind) -> None:
    found = own(STAMP + OLD + b" " + text)
    assert found is not None
    assert kind(found) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"<= <> R=" + NEW + b" U=exim P=local S=1", Link(NEW, "notification", up=True)),
        (b'<= a@b H=x [192.0.2.1] P=esmtp T="R=' + NEW + b' "', None),
        (
            b'=> c@d R=r T=t H=localhost [127.0.0.1] C="250 OK id=' + NEW + b'"',
            Link(NEW, "reinjected", up=False),
        ),
        (b'=> c@d R=r T=t H=mx [192.0.2.1] C="250 OK id=' + NEW + b'"', None),
    ],
)
def test_the_other_ids_that_a_line_names(text: bytes, expected: Link | None) -> None:
    found = own(STAMP + OLD + b" " + text)
    assert found is not None
    assert list(links(found)) == ([expected] if expected else [])


def test_only_an_arrival_with_a_reference_is_a_notification() -> None:
    first = own(STAMP + OLD + b" <= a@b H=x [192.0.2.1] P=esmtp")
    reference = own(STAMP + OLD + b" <= <> R=" + NEW + b" U=exim")
    assert first
    assert reference
    assert not child_fits("notification", first)
    assert child_fits("notification", reference)


def test_refusals_without_an_id() -> None:
    assert alone(STAMP + b"H=x [192.0.2.1] F=<a@b> rejected RCPT <c@d>: no")
    assert alone(STAMP + b"H=x [192.0.2.1] F=<a@b> temporarily rejected RCPT <c@d>: later")
    assert not alone(STAMP + OLD + b" H=x [192.0.2.1] F=<a@b> rejected RCPT <c@d>: no")
    assert not alone(STAMP + b"H=x [192.0.2.1] rejected EHLO or HELO x: syntax")


@given(st.binary(max_size=300))
def test_no_line_is_too_odd(line: bytes) -> None:
    for text in (line, STAMP + OLD + b" " + line):
        if found := own(text):
            kind(found)
            links(found)
        alone(text)
