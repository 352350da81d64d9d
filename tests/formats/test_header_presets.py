"""Every preset makes headers that can be sent, and says what its RFC wants."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from smtpadmin.formats.header_presets import PRESETS
from smtpadmin.formats.test_message import TestMessage, build
from smtpadmin.formats.tokens import fill


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_it_can_be_sent(name: str) -> None:
    headers = tuple(
        (n, fill(v, {"TO_ADDRESS": "c@d", "FROM_ADDRESS": "a@b"})) for n, v in PRESETS[name]
    )
    raw, _ = build(
        TestMessage("a@b.example", ("c@d.example",), headers=headers),
        datetime.now(UTC),
        uuid.uuid4(),
    )
    for header, _ in headers:
        assert f"\r\n{header}:".encode() in raw


def test_one_click_is_as_rfc_8058_says() -> None:
    headers = dict(PRESETS["unsubscribe"])
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<https://")
