"""Replies know whether they are good news."""

from __future__ import annotations

import pytest

from smtpadmin.model.smtp import Reply


@pytest.mark.parametrize(
    ("code", "positive"), [(220, True), (354, True), (421, False), (550, False)]
)
def test_positive(code: int, positive: bool) -> None:
    assert Reply(code, "x").positive is positive
