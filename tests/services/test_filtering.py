"""What each term of the filter language means for queue, log and tracking."""

from __future__ import annotations

import fnmatch
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.model.log import LogRecord
from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackedMessage, TrackedRecipient
from smtpadmin.services.columns import LOG_COLUMNS, QUEUE_COLUMNS
from smtpadmin.services.filtering import (
    Glob,
    log_matcher,
    queue_matcher,
    tracked_matcher,
    unanswered_fields,
)

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
ENTRY = QueueEntry(
    "4FQx12",
    "hold",
    NOW - timedelta(hours=2),
    2_000_000,
    "News@Example.com",
    (
        QueueRecipient("ann@branch-7.example", "451 4.7.1 Greylisted for 300 seconds"),
        QueueRecipient("bob@mail.example.org", "host said: 554 5.4.4 nope"),
    ),
    tries=5,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "greylisted",
        "GREYLISTED news@",
        "from:news",
        "from=news@example.com",
        "from=<News@Example.com>",
        "to:bob",
        "to=bob@mail.example.org",
        "to:*@mail.example.org",
        "domain:example.org",
        "domain=branch-7.example",
        "-domain=example.org",
        "code:4.7",
        "code:451",
        "code:5",
        "-code:7",
        "state:held",
        "state:hold",
        'reason:"for 300 seconds"',
        "grey*seconds",
        "id:fqx",
        "*",
        "age>1h age<=2h",
        "size>1.5M size=2000000",
        "tries>=5 -tries>5",
        "-from=<>",
        "-from:<>",
    ],
)
def test_a_queue_entry_passes(text: str) -> None:
    assert queue_matcher(parse_filter(text))(ENTRY, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "nothing-like-it",
        "greylisted absent",
        "-greylisted",
        "from=news",
        "from:<>",
        "to:*@mail.example",
        "domain=example.org",
        "code:7.1",
        "state:deferred",
        "age>2h",
        "size<2000000",
        "tries>5",
        "server:mx1",
        "program:smtp",
    ],
)
def test_a_queue_entry_is_left_out(text: str) -> None:
    assert not queue_matcher(parse_filter(text))(ENTRY, NOW)


def test_what_the_server_cannot_say_never_matches() -> None:
    bare = QueueEntry("1", "active", None, None, "")
    for text in ("age>0", "age<9w", "size>=0", "tries<1", "reason:*", "to:*"):
        assert not queue_matcher(parse_filter(text))(bare, NOW)
    assert queue_matcher(parse_filter("from=<> -size>1M"))(bare, NOW)


def test_log_records() -> None:
    record = LogRecord(
        raw="Nov 24 postfix/smtp[1]: 4F: to=<bob@example.org>, status=deferred",
        event="delivery",
        program="postfix/smtp",
        queue_id="4F",
        time=NOW - timedelta(minutes=5),
        fields={"to": "bob@example.org", "status": "deferred", "dsn": "4.4.1"},
    )
    for text in ("status=deferred", "to=bob@example.org", "event:deliv program:smtp", "age<10m"):
        assert log_matcher(parse_filter(text))(record, NOW)
    assert not log_matcher(parse_filter("code:5"))(record, NOW)


def test_tracked_messages() -> None:
    message = TrackedMessage(
        ("A",),
        DeliveryStatus.HELD,
        (TrackedRecipient("x@y.example", DeliveryStatus.HELD, reply="450 wait"),),
        sender=None,
    )
    for text in ("state:hold", "domain:y.ex", "reason:wait", "id=a", "-from=<>"):
        assert tracked_matcher(parse_filter(text))(message, NOW)


def test_fields_that_the_rows_do_not_have_are_named() -> None:
    assert unanswered_fields(QUEUE_COLUMNS, parse_filter("event:x program:y a -event:z")) == (
        "event",
        "program",
    )
    assert unanswered_fields(LOG_COLUMNS, parse_filter("event:x tries>1")) == ()


patterns = st.text(alphabet="ab*.", min_size=1, max_size=8).filter(lambda text: "*" in text)


@given(patterns, st.text(alphabet="ab.", max_size=12))
def test_a_pattern_is_what_the_shell_means_by_it(pattern: str, value: str) -> None:
    expected = re.fullmatch(fnmatch.translate(pattern), value) is not None
    assert Glob(pattern).matches(value) == expected


def test_a_pattern_of_many_stars_is_not_slow() -> None:
    assert not Glob("*a" * 500 + "*b").matches("a" * 20_000)
