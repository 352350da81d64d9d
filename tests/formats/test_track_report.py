"""Reports of tracked messages: complete, and harmless whatever a stranger wrote."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.track_report import REPORTS, as_csv, as_html, as_text, report
from smtpadmin.model.errors import UsageError
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Client, Leg, TrackedMessage, TrackedRecipient

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def tracked(subject: str = "Invoice", reply: str = "250 ok") -> TrackedMessage:
    return TrackedMessage(
        ("Q1", "Q2"),
        DeliveryStatus.PARTIAL,
        (
            TrackedRecipient("a@example.org", DeliveryStatus.SENT, dsn="2.0.0", reply=reply),
            TrackedRecipient("b@example.org", DeliveryStatus.BOUNCED, dsn="5.1.1", attempts=2),
        ),
        (
            Leg("Q1", server="mx1", arrived=NOW, completed=NOW + timedelta(seconds=1)),
            Leg("Q2", "reinjected", host="filter", arrived=NOW + timedelta(seconds=1)),
        ),
        message_id="<1@example.org>",
        sender="",
        subject=subject,
        arrived=NOW,
        client=Client("ws7.example.org", "192.0.2.7"),
        lines=("line one <x>", "line two"),
    )


def test_the_text_tells_everything_a_ticket_needs() -> None:
    text = as_text(tracked())
    for words in ("From: <>", "Q1, Q2", "a@example.org: sent 2.0.0 250 ok", "b@example.org: bounced",
                  "reinjected Q2 on filter, +1 s, still under way", "line two"):  # fmt: skip
        assert words in text


def test_csv_has_a_row_for_each_recipient() -> None:
    refused = TrackedMessage((), DeliveryStatus.REJECTED, ())
    rows = list(csv.DictReader(io.StringIO(as_csv([tracked("=cmd()"), refused]))))
    assert [row["recipient"] for row in rows] == ["a@example.org", "b@example.org", ""]
    assert rows[0]["subject"] == "'=cmd()"
    assert (rows[2]["sender"], rows[2]["status"]) == ("unknown", "rejected")


def test_json_lines_are_what_track_prints() -> None:
    (line,) = report([tracked()], ".jsonl", "all", NOW).splitlines()
    found = json.loads(line)
    assert found["recipients"][1]["status"] == "bounced"
    assert datetime.fromisoformat(found["arrived"]) == NOW


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith(("on", "src", "href")) for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(), st.text())
def test_no_text_of_a_stranger_becomes_markup(subject: str, reply: str) -> None:
    page = Page()
    page.feed(as_html([tracked(subject, reply)], subject, NOW))
    plain = Page()
    plain.feed(as_html([tracked("x", "y")], "z", NOW))
    assert page.tags == plain.tags


def test_the_page_shows_legs_and_lines() -> None:
    page = Page()
    page.feed(as_html([tracked("<script>alert(1)</script>")], "to:a", NOW))
    assert "<script>alert(1)</script>" in page.text
    assert "line one <x>" in page.text
    assert page.tags.count("i") == 2


@pytest.mark.parametrize("suffix", REPORTS)
def test_every_suffix_that_is_offered_is_written(suffix: str) -> None:
    assert "example.org" in report([tracked()], suffix, "all", NOW)


def test_another_suffix_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"\.docx"):
        report([], ".docx", "all", NOW)
