"""What ``--trust`` accepts, and how a question is worded; over a real server in test_servers."""

from __future__ import annotations

import pytest

from smtpadmin.cli.server_probe import how_to_trust, trust_option, trusting
from smtpadmin.formats.fingerprint import openssh_form
from smtpadmin.model.errors import UntrustedError, UsageError
from smtpadmin.model.profile import Profile

FINGERPRINT = "ab" * 32


def test_both_forms_with_and_without_a_place() -> None:
    for shown in (FINGERPRINT, openssh_form(FINGERPRINT), openssh_form(FINGERPRINT) + "="):
        assert trust_option(shown) == ("", FINGERPRINT)
        assert trust_option(f"ssh:mx1:22={shown}") == ("ssh:mx1:22", FINGERPRINT)
    with pytest.raises(UsageError):
        trust_option("ssh:mx1:22=")


def test_without_a_probe_it_goes_to_the_place_or_to_the_server_itself() -> None:
    profile = Profile("u", "n", "smtp", host="mx1", port=587)
    found = trusting(profile, [FINGERPRINT, f"ssh:bastion:22={FINGERPRINT}"])
    assert found.trust == {"tls:mx1:587": FINGERPRINT, "ssh:bastion:22": FINGERPRINT}


def test_the_remedy_is_a_line_to_type_unless_the_key_has_changed() -> None:
    unknown = UntrustedError("unknown", fingerprint=FINGERPRINT, place="ssh:mx1:22")
    assert f"--trust ssh:mx1:22={FINGERPRINT}" in how_to_trust(unknown, "n")
    changed = UntrustedError(
        "changed", remedy="Ask.", fingerprint=FINGERPRINT, place="ssh:mx1:22", changed=True
    )
    assert "--trust" not in how_to_trust(changed, "n")
    assert how_to_trust(UntrustedError("x", remedy="Ask."), "n") == "Ask."
