"""Legs joined into one message."""

from __future__ import annotations

from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackedRecipient
from smtpadmin.tracking.dialect import Link
from smtpadmin.tracking.legs import LegState, join_legs
from smtpadmin.tracking.lives import Life

SENT, DEFERRED = DeliveryStatus.SENT, DeliveryStatus.DEFERRED


def leg(queue_id: str, **ends: DeliveryStatus) -> LegState:
    recipients = {
        name: TrackedRecipient(name, status, queue_id=queue_id) for name, status in ends.items()
    }
    return LegState(queue_id, recipients=recipients, sender=f"{queue_id}@x")


def joined(kind: str, parent: LegState, child: LegState) -> tuple[dict[str, str], str]:
    lives = [
        Life(b"h", state.queue_id.encode(), [(n, b"")]) for n, state in enumerate((parent, child))
    ]
    lives[0].ties.append((Link(b"", kind, up=False), lives[1]))
    message = join_legs(lives[::-1], {id(lives[0]): parent, id(lives[1]): child})
    assert [found.queue_id for found in message.legs] == [parent.queue_id, child.queue_id]
    assert message.sender == f"{parent.queue_id}@x"
    return {r.address: r.status.value for r in message.recipients}, message.status.value


def test_what_a_filter_took_ends_in_the_next_leg() -> None:
    ends = joined("reinjected", leg("A", a=SENT, b=SENT), leg("B", a=DEFERRED))
    assert ends == ({"a": "deferred", "b": "sent"}, "deferred")


def test_a_recipient_that_the_filter_rewrote_is_told_once() -> None:
    child = leg("B")
    child.recipients["new"] = TrackedRecipient("new", SENT, original="a", queue_id="B")
    assert joined("reinjected", leg("A", a=SENT), child) == ({"new": "sent"}, "sent")


def test_a_forward_is_a_recipient_beside_the_first() -> None:
    child = leg("B")
    child.recipients["new"] = TrackedRecipient("new", SENT, original="a", queue_id="B")
    assert joined("forwarded", leg("A", a=SENT), child) == ({"a": "sent", "new": "sent"}, "sent")


def test_the_way_of_a_notification_is_no_end_of_the_message() -> None:
    ends = joined("notification", leg("A", a=DeliveryStatus.BOUNCED), leg("B", s=DEFERRED))
    assert ends == ({"a": "bounced"}, "bounced")


def test_recipients_that_no_line_names_yet_are_queued() -> None:
    parent = leg("A", a=SENT)
    parent.queued, parent.wanted = True, 2
    assert joined("notification", parent, leg("B"))[1] == "queued"
