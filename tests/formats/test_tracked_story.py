"""What a story keeps of the news that it hears."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.tracked_story import Story, in_brackets, key_of, text, texts
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import Leg, TrackedRecipient

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def news(status: S, second: int = 0, address: str = "b@c") -> TrackedRecipient:
    return TrackedRecipient(address, status, time=NOON + timedelta(seconds=second))


def test_the_newest_news_count_and_older_ones_are_attempts() -> None:
    story = Story()
    for told in (news(S.DEFERRED, 5), news(S.SENT, 9), news(S.DEFERRED, 7, "B@C")):
        story.put(told)
    (recipient,) = story.finished().recipients
    assert (recipient.address, recipient.status, recipient.attempts) == ("b@c", S.SENT, 3)


def test_sent_after_delivered_changes_nothing() -> None:
    story = Story()
    story.put(news(S.DELIVERED, 1))
    story.put(news(S.SENT, 2))
    assert story.finished().status is S.DELIVERED


def test_what_is_missing_is_queued_until_the_message_was_removed() -> None:
    story = Story(expected=2)
    story.put(news(S.SENT))
    assert (story.settled, story.finished().status) == (False, S.QUEUED)
    story.removed = True
    assert (story.settled, story.finished().status) == (True, S.SENT)


def test_an_alias_is_forgotten_only_while_it_is_open() -> None:
    story = Story()
    story.expect("list@c", LogRecord(""))
    story.put(news(S.SENT))
    story.forget("LIST@c")
    story.forget("b@c")
    assert [r.address for r in story.finished().recipients] == ["b@c"]


def test_a_hand_over_counts_until_its_other_side_is_heard() -> None:
    story = Story(handed={"B": [news(S.SENT)]})
    assert (story.settled, story.finished().status) == (False, S.SENT)
    other = Story(handed={"B": [news(S.SENT)]})
    other.put(TrackedRecipient("b@c", S.BOUNCED, queue_id="B"))
    assert (other.settled, other.finished().status) == (True, S.BOUNCED)


def test_a_leg_is_completed_when_its_last_recipient_is() -> None:
    story = Story(legs={(None, "A"): Leg("A")})
    story.put(TrackedRecipient("b@c", S.SENT, time=NOON, queue_id="A"))
    assert story.finished().legs[0].completed == NOON
    story.put(TrackedRecipient("d@c", S.DEFERRED, time=NOON, queue_id="A"))
    assert story.finished().legs[0].completed is None


@given(st.lists(st.tuples(st.sampled_from(list(S)), st.integers(0, 9), st.sampled_from("abc"))))
def test_open_is_what_has_no_end(heard: list[tuple[S, int, str]]) -> None:
    story = Story()
    for status, second, address in heard:
        story.put(news(status, second, address))
    open_ones = {
        key_of(r.address)
        for r in story.recipients.values()
        if r.status in (S.QUEUED, S.DEFERRED, S.HELD)
    }
    assert set(story.open) == open_ones
    assert sum(r.attempts for r in story.recipients.values()) == len(heard)


def test_fields() -> None:
    assert (in_brackets("<x@y>"), in_brackets("x@y"), in_brackets(None), in_brackets("<>")) == (
        "<x@y>", "<x@y>", None, None,
    )  # fmt: skip
    assert (text(""), text(7), text("a")) == (None, None, "a")
    assert (texts("a"), texts(["a", 7]), texts(None)) == (["a"], ["a"], [])
