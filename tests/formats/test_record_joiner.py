"""Lives, links and the bounds of memory, on records that are made here."""

from __future__ import annotations

from collections.abc import Iterator

from smtpadmin.formats.record_joiner import MOST_LEGS, RecordJoiner, joined
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import Leg, TrackCriteria, TrackedRecipient


def record(queue_id: str, event: str = "queued", **fields: object) -> LogRecord:
    return LogRecord(f"{queue_id} {event}", event, queue_id=queue_id, fields=fields)


def take(joiner: RecordJoiner, told: LogRecord) -> None:
    """``queued`` begins, ``delivery`` ends, ``link`` names a leg."""
    story = joiner.of(told.queue_id, told, born=told.event == "queued")
    story.on_leg(told)
    if told.event == "queued":
        story.expect("b@c", told)
    elif told.event == "delivery":
        story.put(TrackedRecipient("b@c", S.SENT, queue_id=told.queue_id))
    else:
        child = str(told.fields["child"])
        joiner.link(story, child, Leg(child, told.event, parent=told.queue_id))
    joiner.settle(story)


def lines_of(
    records: list[LogRecord], linger: int = 1_000, **wanted: object
) -> list[tuple[str, ...]]:
    criteria = TrackCriteria(lines=True, **wanted)  # type: ignore[arg-type]
    return [message.lines for message in joined(records, criteria, take, linger=linger)]


def test_a_birth_after_the_end_is_another_life() -> None:
    life = [record("A"), record("A", "delivery")]
    assert lines_of(life * 2) == [("A queued", "A delivery")] * 2
    assert lines_of([record("A"), record("A"), record("A", "delivery")]) == [
        ("A queued", "A queued", "A delivery")
    ]


def test_a_leg_whose_records_came_before_or_after() -> None:
    link, leg = record("A", "reinjected", child="B"), [record("B"), record("B", "delivery")]
    for records in (
        [record("A"), *leg, link],
        [record("A"), link, *leg],
        [*leg, record("A"), link],
    ):
        (message,) = joined(records, TrackCriteria(lines=True), take)
        assert message.queue_ids == ("A", "B")
        assert len(message.lines) == 4
        assert [r.status for r in message.recipients] == [S.SENT]


def test_a_notification_brings_its_lines_and_no_recipients() -> None:
    note = TrackedRecipient("x@y", S.SENT)
    records = [
        record("B"),
        record("A"),
        record("A", "delivery"),
        record("A", "notification", child="B"),
    ]
    (message,) = joined(records, TrackCriteria(lines=True), take)
    assert message.legs[1].kind == "notification"
    assert [r.address for r in message.recipients] == ["b@c"] != [note.address]
    assert len(message.lines) == 4


def test_links_in_a_circle_and_to_itself() -> None:
    records = [record("A"), record("B"), record("A", "reinjected", child="B"),
               record("B", "reinjected", child="A"), record("A", "reinjected", child="A")]  # fmt: skip
    assert len(lines_of(records)) == 1


def test_a_hostile_chain_of_links_is_bounded() -> None:
    records = [record("A"), *(record("A", "reinjected", child=f"B{n}") for n in range(3_000))]
    (message,) = joined(records, TrackCriteria(), take)
    assert len(message.legs) == MOST_LEGS


def test_what_is_over_is_let_go_and_what_is_open_stays() -> None:
    held: list[int] = []

    def watched(joiner: RecordJoiner, told: LogRecord) -> None:
        take(joiner, told)
        held.append(len(joiner._keys))

    def log() -> Iterator[LogRecord]:
        yield record("OPEN")
        for n in range(5_000):
            yield record(f"A{n}")
            yield record(f"A{n}", "delivery")
        yield record("OPEN", "delivery")

    found = list(joined(log(), TrackCriteria(queue_id="OPEN", lines=True), watched, linger=100))
    assert [message.lines for message in found] == [("OPEN queued", "OPEN delivery")]
    assert max(held) < 200


def test_a_line_that_comes_late_is_still_in_exactly_one_message() -> None:
    records = [
        record("A"),
        record("A", "delivery"),
        *(record(f"B{n}") for n in range(300)),
        record("A", "delivery"),
    ]
    found = lines_of(records, linger=100)
    assert sorted(line for lines in found for line in lines) == sorted(r.raw for r in records)


def test_a_life_that_goes_on_is_not_let_go() -> None:
    records = [record("A")]
    for n in range(40):
        records += [record("A", "delivery"), *(record(f"B{n}x{m}") for m in range(9))]
    found = lines_of(records, linger=50, queue_id="A")
    assert len(found) == 1
    assert len(found[0]) == 41


def test_the_newest_of_many() -> None:
    records = [record(f"A{n}", "delivery") for n in range(5_000)]
    assert lines_of(records, linger=10, limit=2) == [("A4998 delivery",), ("A4999 delivery",)]
    assert lines_of(records, limit=0) == []
