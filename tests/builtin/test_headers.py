"""The trace field that the server puts before a message."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email import policy

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.builtin.headers import received_field


@given(st.text(max_size=300))
def test_the_trace_field_is_one_folded_field_whatever_the_client_says(helo: str) -> None:
    field = received_field(
        helo=helo,
        client="192.0.2.1",
        by="mx.example",
        protocol="ESMTPS",
        queue_id="Q1",
        when=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    message = email.message_from_bytes(field + b"\r\n", policy=policy.default)
    assert message.keys() == ["Received"]
    assert "with ESMTPS id Q1; Sun, 01 Mar 2026 12:00:00 +0000" in " ".join(
        message["Received"].split()
    )
