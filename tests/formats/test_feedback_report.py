"""Complaints, one of them as published."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.bounce import read_report
from smtpadmin.formats.feedback_report import read_feedback

ARF = Path(__file__).parents[3] / "shared/corpora/mail-auth/arf/001.eml"


def test_who_complained() -> None:
    (found,) = read_feedback(
        "Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: <a@b.example>\nRemoval-Recipient: A@b.example\n"
    )
    assert (found.address, found.action, found.diagnostic) == (
        "a@b.example",
        "delivered",
        "feedback type abuse",
    )
    assert read_feedback("Feedback-Type: abuse") == ()


@pytest.mark.skipif(not ARF.exists(), reason="the corpus of complaints is not here")
def test_a_published_report() -> None:
    report = read_report(ARF.read_bytes())
    assert report.kind == "feedback"
    assert report.message_id is not None
    assert report.recipients == ()  # it names nobody: the recipients were hidden


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    read_feedback(text)
