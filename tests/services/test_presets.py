"""Presets can be read, found, and hold the providers that were asked for."""

from __future__ import annotations

import pytest

from smtpadmin.services.presets import find_preset, presets


def test_every_preset_is_complete() -> None:
    assert len(presets()) >= 30
    assert len({p.id for p in presets()}) == len(presets())
    for preset in presets():
        assert preset.endpoints
        assert all(0 < port < 65536 for port, _ in preset.endpoints)
        assert preset.username_rule


@pytest.mark.parametrize(
    ("text", "preset"),
    [("SendGrid", "sendgrid"), ("twilio sendgrid", "sendgrid"), ("someone@gmail.com", "gmail"), ("smtp.office365.com", "microsoft365"),
     ("doppler", "doppler"), ("Doppler Relay", "doppler"), ("mail.example.org", None)],
)  # fmt: skip
def test_found_by_name_host_and_domain(text: str, preset: str | None) -> None:
    found = find_preset(text)
    assert (found.id if found else None) == preset
