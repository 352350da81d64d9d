"""FTGate's rows as messages: what a row says, and nothing more."""

from __future__ import annotations

from smtpadmin.formats.ftgate_tracking import find
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from tests.support.log_writers import parsed

HEADER = "Date,Time,In/Out,MessageId,Sender,Recipient,Size"


def row(way: str, to: str = "b@c.example", message_id: str = "<x@y>", sender: str = "a@b") -> str:
    return f"2026-03-01,09:10:11,{way},{message_id},{sender},{to},12"


def track(*lines: str) -> list[TrackedMessage]:
    return list(find(parsed("ftgate", [HEADER, *lines]), TrackCriteria(lines=True)))


def test_in_and_out_of_one_message() -> None:
    (found,) = track(row("In"), row("In", "d@c.example"), row("Out"))
    assert {r.address: (r.status, r.attempts) for r in found.recipients} == {
        "b@c.example": (S.SENT, 1),
        "d@c.example": (S.UNKNOWN, 0),
    }
    assert (found.message_id, found.size, found.queue_ids, found.legs) == ("<x@y>", 12, (), ())
    assert len(found.lines) == 3


def test_the_null_sender() -> None:
    assert track(row("Out", sender="<>"))[0].sender == ""


def test_a_message_id_alone_joins_nothing() -> None:
    assert (
        len(
            track(
                row("In"),
                row("In", sender="z@b"),
                row("In", message_id=""),
                row("In", message_id=""),
            )
        )
        == 4
    )


def test_the_same_row_again_is_another_message() -> None:
    first, second = track(row("Out"), row("Out"))
    assert first.lines == second.lines
    assert len(track(*[row("In"), row("Out")] * 3)) == 3
