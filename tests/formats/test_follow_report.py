"""The report: complete, escaped, as text and as a page that loads nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.follow_report import as_html, as_text, follow_report
from smtpadmin.model.explanation import Explanation, Reason, WhoActs
from smtpadmin.model.follow import FollowReport, FollowStep, StepKind
from smtpadmin.model.status import DeliveryStatus
from tests.formats.test_follow_words import ARRIVAL

WHEN = datetime(2026, 11, 25, 10, 0, 1, tzinfo=UTC)
WHY = Explanation("reply", Reason.MAILBOX_FULL, WhoActs.RECIPIENT, "The mailbox is full", "Wait.")
REPORT = FollowReport(
    "<1@b.example>", DeliveryStatus.DEFERRED, False, (),
    (
        FollowStep(WHEN, StepKind.ACCEPTED, "mx1", "2.0.0 Ok", queue_id="ABC"),
        FollowStep(
            WHEN, StepKind.STATE, "mx1", "452 4.2.2 <b>full</b>", recipient="a@b.example",
            status=DeliveryStatus.DEFERRED, next_try=WHEN, explanation=WHY,
        ),
    ),
    {}, ARRIVAL,
)  # fmt: skip


def test_text_has_every_step_and_check() -> None:
    text = as_text(REPORT, WHEN)
    for part in ("<1@b.example>", "mx1 ABC  Accepted", "Deferred: a@b.example", "Next try",
                 "The mailbox is full", "SPF", "a.example → b.example", "Subject was rewritten"):  # fmt: skip
        assert part in text
    assert follow_report(REPORT, ".txt", WHEN) == text


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_the_page_is_escaped_and_loads_nothing() -> None:
    page = follow_report(REPORT, ".html", WHEN)
    assert "&lt;b&gt;full&lt;/b&gt;" in page
    assert "2026-11-25 10:00:01 UTC" in page
    parser = _Tags()
    parser.feed(page)
    assert {tag for tag, _ in parser.seen} <= {
        "html", "meta", "title", "style", "h1", "h2", "p", "b", "table", "tr", "td",
    }  # fmt: skip
    assert not [attrs for _, attrs in parser.seen if {"src", "href", "onload"} & attrs.keys()]


@given(st.text(max_size=80))
def test_any_words(said: str) -> None:
    step = FollowStep(WHEN, StepKind.FOUND, said, said, queue_id=said)
    report = FollowReport(said, DeliveryStatus.UNKNOWN, False, steps=(step,))
    assert all(c == "\n" or ord(c) >= 0x20 for c in as_text(report, WHEN))
    page = as_html(report, WHEN)
    parser = _Tags()
    parser.feed(page)
    assert [tag for tag, _ in parser.seen if tag not in ("html", "meta", "title", "style", "h1", "h2", "p", "b", "table", "tr", "td")] == []  # fmt: skip
