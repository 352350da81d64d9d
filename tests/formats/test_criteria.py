"""What finds a message: every criterion of ``smtpadmin track``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.criteria import address_matches, last_event, matches
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import (
    Client,
    Leg,
    TrackCriteria,
    TrackedMessage,
    TrackedRecipient,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MESSAGE = TrackedMessage(
    queue_ids=("A1", "B2"),
    status=S.PARTIAL,
    recipients=(
        TrackedRecipient(
            "Ben@Partner.example", S.DELIVERED, original="alias@acme.example", time=NOON
        ),
        TrackedRecipient("no@partner.example", S.BOUNCED, time=NOON + timedelta(hours=2)),
    ),
    legs=(Leg("A1", completed=NOON + timedelta(hours=3)),),
    message_id="<One@ACME.example>",
    sender="anna@acme.example",
    subject="Grüße aus KÖLN",
    arrived=NOON,
    client=Client("ws7.acme.example", "10.0.0.7"),
)


@pytest.mark.parametrize(
    "criteria",
    [
        TrackCriteria(),
        TrackCriteria(sender="ANNA@acme.EXAMPLE"),
        TrackCriteria(sender="<anna@acme.example>"),
        TrackCriteria(sender="@ACME.example"),
        TrackCriteria(sender="anna"),
        TrackCriteria(sender="a*@*.example"),
        TrackCriteria(recipient="ben@partner.example"),
        TrackCriteria(recipient="ALIAS@acme.example"),
        TrackCriteria(recipient="no@*"),
        TrackCriteria(message_id="one@acme.example"),
        TrackCriteria(message_id="<ONE@acme.example>"),
        TrackCriteria(queue_id="B2"),
        TrackCriteria(client="10.0.0.7"),
        TrackCriteria(client="WS7.acme.example"),
        TrackCriteria(client="*.acme.example"),
        TrackCriteria(status=S.PARTIAL),
        TrackCriteria(status=S.BOUNCED),
        TrackCriteria(subject="aus köln"),
        TrackCriteria(since=NOON + timedelta(hours=3)),
        TrackCriteria(until=NOON),
        TrackCriteria(sender="anna", recipient="no@*", status=S.BOUNCED),
    ],
)
def test_found(criteria: TrackCriteria) -> None:
    assert matches(MESSAGE, criteria)


@pytest.mark.parametrize(
    "criteria",
    [
        TrackCriteria(sender="bob"),
        TrackCriteria(sender="<>"),
        TrackCriteria(sender="@cme.example"),
        TrackCriteria(sender="nna@acme.example"),
        TrackCriteria(recipient="anna@acme.example"),
        TrackCriteria(message_id="two@acme.example"),
        TrackCriteria(queue_id="A"),
        TrackCriteria(queue_id="a1"),
        TrackCriteria(client="10.0.0.70"),
        TrackCriteria(client="10.0.0"),
        TrackCriteria(status=S.QUEUED),
        TrackCriteria(subject="Bonn"),
        TrackCriteria(since=NOON + timedelta(hours=3, seconds=1)),
        TrackCriteria(until=NOON - timedelta(seconds=1)),
        TrackCriteria(sender="anna", recipient="somebody"),
    ],
)
def test_not_found(criteria: TrackCriteria) -> None:
    assert not matches(MESSAGE, criteria)


def test_the_null_sender_and_an_unknown_one_are_two_things() -> None:
    null, unknown = replace(MESSAGE, sender=""), replace(MESSAGE, sender=None)
    assert matches(null, TrackCriteria(sender="<>"))
    assert not matches(unknown, TrackCriteria(sender="<>"))
    assert not matches(null, TrackCriteria(sender="*@*"))


def test_nothing_known_of_client_subject_or_time() -> None:
    bare = TrackedMessage((), S.REJECTED, ())
    assert not matches(bare, TrackCriteria(client="10.0.0.7"))
    assert not matches(bare, TrackCriteria(subject="x"))
    assert matches(bare, TrackCriteria(since=NOON, until=NOON))
    assert last_event(bare) is None


@pytest.mark.parametrize("wanted", ["a.c*", "a+*", "(*", "[*", "*" * 30 + "x"])
def test_signs_of_regular_expressions_mean_themselves(wanted: str) -> None:
    assert not address_matches("abc@x.example", wanted)
    assert address_matches(wanted.replace("*", "") + "z", wanted) is wanted.endswith("*")


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*", True),
        ("a*d", True),
        ("a*b*c*d", True),
        ("ab*bcd", False),
        ("*bc*", True),
        ("abcd*abcd", False),
        ("*c*b*", False),
        ("**abcd**", True),
        ("*" + "a*" * 200, False),
    ],
)
def test_a_star_is_anything(pattern: str, fits: bool) -> None:
    assert address_matches("abcd", pattern) is fits


@given(st.text(max_size=30), st.text(max_size=10))
def test_any_text_is_a_criterion(address: str, wanted: str) -> None:
    assert isinstance(address_matches(address, wanted), bool)


@given(st.from_regex(r"[a-zA-Z0-9.+_-]{1,20}@[a-z0-9-]{1,20}\.example", fullmatch=True))
def test_an_address_finds_itself_its_domain_and_its_parts(address: str) -> None:
    for wanted in (address, address.upper(), "@" + address.partition("@")[2], address[:1] + "*"):
        assert address_matches(address, wanted)
