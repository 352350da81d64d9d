"""From a form to a profile and back; nothing is guessed."""

from __future__ import annotations

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Environment, SafetyLevel, TlsMode
from smtpadmin.services.profile_form import profile_from, values_of


def test_fields_secrets_and_settings_go_where_they_belong() -> None:
    values = {
        "host": "h.example",
        "port": "465",
        "user": "u",
        "tls": "implicit",
        "password": "s",
        "auth": "LOGIN",
    }
    profile, secrets = profile_from("smtp", values, name="relay", environment=Environment.STAGING)
    assert (profile.host, profile.port, profile.tls) == ("h.example", 465, TlsMode.IMPLICIT)
    assert secrets == {"password": "s"}
    assert dict(profile.settings) == {"auth": "LOGIN"}
    assert profile.safety is SafetyLevel.CONFIRM
    assert "s" not in values_of(profile).values()
    assert profile_from("smtp", values_of(profile), name="relay", base=profile)[0].port == 465


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [("smtp", {}, "Host is needed"), ("builtin", {"admin": "h:1"}, "Token is needed"),
     ("smtp", {"host": "h", "port": "70000"}, "not a port"), ("nothing", {}, "no connector")],
)  # fmt: skip
def test_what_is_missing_is_named(kind: str, values: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        profile_from(kind, values, name="n")
