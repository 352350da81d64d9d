"""Profiles as a file: without secrets, and foreign files refused."""

from __future__ import annotations

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.settings.transfer import export_profiles, import_profiles


def test_profiles_survive_the_way() -> None:
    profiles = [Profile("1", "mx1", "smtp", "a.example", 587), Profile("2", "mx2", "builtin")]
    assert import_profiles(export_profiles(profiles), "f") == profiles


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not JSON"), ("[]", "not a file of smtpadmin"), ('{"kind": "smtpadmin profiles", "version": 2}', "newer"),
     ('{"kind": "smtpadmin profiles", "version": 1, "profiles": [{"name": 1}]}', "does not fit")],
)  # fmt: skip
def test_what_does_not_fit_is_said(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        import_profiles(text, "file.json")
