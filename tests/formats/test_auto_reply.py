"""Automatic answers told from bounces and from people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.auto_reply import automatic_answer
from smtpadmin.formats.bounce import read_report
from smtpadmin.formats.message_view import view_message


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("Auto-Submitted: auto-replied\nSubject: x\n\nhi", "vacation"),
        ("Subject: Out of office: hello\n\nI am on leave", "vacation"),
        ("Precedence: auto_reply\nSubject: x\n\nhi", "vacation"),
        ("Auto-Submitted: auto-replied (challenge)\nSubject: x\n\nPlease confirm that you are human", "challenge"),
        ("Auto-Submitted: auto-generated\nSubject: report\n\nhi", "other"),
        ("Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/disposition-notification\n\nx\n--b--", "receipt"),
        ("Auto-Submitted: no\nSubject: x\n\nhi", ""),
        ("Subject: away\n\nLet us play away from home", ""),
    ],
)  # fmt: skip
def test_kinds(raw: str, kind: str) -> None:
    assert automatic_answer(view_message(raw.encode())) == kind
    assert read_report(raw.encode()).kind == ("auto-reply" if kind else "not-a-bounce")


@given(st.binary(max_size=200))
def test_any_octets(raw: bytes) -> None:
    automatic_answer(view_message(b"Auto-Submitted: auto-replied\n" + raw))
