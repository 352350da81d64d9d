"""Delivery status fields in all their forms."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.dsn_parts import ACTIONS, read_delivery_status


@pytest.mark.parametrize(
    ("text", "address", "action", "status", "diagnostic"),
    [
        ("Final-Recipient: a@b.example\nAction: Failed (gone)\nStatus: 5.1.1 (x)", "a@b.example", "failed", "5.1.1", ""),
        ("Original-Recipient: <a@b.example>\nAction: delayed", "a@b.example", "delayed", None, ""),
        ("Final-Recipient: rfc822;@relay.example:a@b.example\nAction: failed", "a@b.example", "failed", None, ""),
        ("X-Actual-Recipient: rfc822; a@b.example\nStatus: 2.1.5", "a@b.example", "delivered", "2.1.5", ""),
        ("Final-Recipient: utf-8; ü@b.example\nAction: odd\nStatus: x", "ü@b.example", "failed", None, ""),
        ("Final-Recipient: rfc822;a@b\nAction: failed\nDiagnostic-Code: smtp;\n 550-5.1.1 no\n such user", "a@b", "failed", None, "550-5.1.1 no such user"),
        ("Final-Recipient: rfc822;a@b\nAction: failed\nDiagnostic-Code: 550 no; really", "a@b", "failed", None, "550 no; really"),
        ("Action: failed\nStatus: 5.2.2\n\nFinal-Recipient: rfc822; a@b.example", "a@b.example", "failed", "5.2.2", ""),
    ],
)  # fmt: skip
def test_one_recipient(
    text: str, address: str, action: str, status: str | None, diagnostic: str
) -> None:
    (found,) = read_delivery_status(text)
    assert (found.address, found.action, found.status, found.diagnostic) == (
        address,
        action,
        status,
        diagnostic,
    )


def test_groups_without_an_empty_line_between_them() -> None:
    text = "Final-Recipient: rfc822; a@b\nAction: failed\nFinal-Recipient: rfc822; c@d\nAction: relayed\n"
    assert [(r.address, r.action) for r in read_delivery_status(text)] == [
        ("a@b", "failed"),
        ("c@d", "relayed"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "Final-Recipient: rfc822; a@b",
        "Action: failed",
        "Final-Recipient: ;\nAction: failed",
    ],
)
def test_what_reports_nobody(text: str) -> None:
    assert read_delivery_status(text) == ()


@pytest.mark.parametrize(
    "piece", ["A: b\n", " x\n", "Final-Recipient: a@b\nAction: failed\n\n", "Status: 5.", ";"]
)
def test_hostile_fields_end_in_time(piece: str) -> None:
    started = time.process_time()
    read_delivery_status("Final-Recipient: rfc822; a@b\n" + piece * (500_000 // len(piece)))
    assert time.process_time() - started < 3


@given(
    st.lists(
        st.sampled_from(
            [
                "Final-Recipient: rfc822; a@b",
                "Action: failed",
                "Status: 5.1.1",
                "",
                " x",
                ":",
                "Diagnostic-Code: smtp",
            ]
        )
    )
)
def test_any_lines(lines: list[str]) -> None:
    for found in read_delivery_status("\n".join(lines)):
        assert found.address
        assert found.action in ACTIONS
