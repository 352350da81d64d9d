"""A message's own status, from its recipients'."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.status import OPEN_WORST_FIRST, DeliveryStatus, message_status

S = DeliveryStatus


@pytest.mark.parametrize(
    ("recipients", "expected"),
    [
        ([], S.UNKNOWN),
        ([S.DELIVERED, S.DELIVERED], S.DELIVERED),
        ([S.DELIVERED, S.SENT], S.SENT),
        ([S.DELIVERED, S.DEFERRED], S.DEFERRED),
        ([S.QUEUED, S.DEFERRED, S.HELD], S.HELD),
        ([S.BOUNCED, S.BOUNCED], S.BOUNCED),
        ([S.BOUNCED, S.DELIVERED], S.PARTIAL),
        ([S.REJECTED], S.REJECTED),
    ],
)
def test_examples(recipients: list[S], expected: S) -> None:
    assert message_status(recipients) is expected


@given(st.lists(st.sampled_from([s for s in S if s is not S.PARTIAL]), min_size=1))
def test_an_open_recipient_keeps_the_message_open(recipients: list[S]) -> None:
    is_open = any(state in OPEN_WORST_FIRST for state in recipients)
    assert (message_status(recipients) in OPEN_WORST_FIRST) == is_open
