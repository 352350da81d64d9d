"""Accepting a certificate or host key: under the right name, and never a changed host key."""

from __future__ import annotations

import pytest

from smtpadmin.model.errors import UntrustedError, UsageError
from smtpadmin.model.profile import Profile, TlsMode
from smtpadmin.services.trust import accepted, accepted_after, is_over_ssh, trust_place

PIN = "ab" * 32
SMTP = Profile("u", "relay", "smtp", host="mail.example.org", tls=TlsMode.IMPLICIT)
POSTFIX = Profile("u", "mx1", "postfix", host="mx1.example.org")


def test_the_place_follows_how_the_server_is_reached() -> None:
    assert trust_place(SMTP) == "tls:mail.example.org:465"
    assert trust_place(POSTFIX) == "ssh:mx1.example.org:22"
    assert is_over_ssh(POSTFIX)
    assert not is_over_ssh(Profile("u", "here", "postfix"))
    assert not is_over_ssh(Profile("u", "x", "no-such-kind", host="h"))


@pytest.mark.parametrize(
    "typed", [PIN, ":".join(["AB"] * 32), "SHA256:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s"]
)
def test_every_spelling_of_a_fingerprint_is_one(typed: str) -> None:
    assert accepted(POSTFIX, typed).trust == {"ssh:mx1.example.org:22": PIN}


def test_nonsense_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="not a SHA-256 fingerprint"):
        accepted(SMTP, "12:34")


def test_what_the_refusal_names_is_accepted_there() -> None:
    error = UntrustedError("unknown", fingerprint=PIN, place="ssh:10.0.0.1:2222")
    assert accepted_after(POSTFIX, error).trust == {"ssh:10.0.0.1:2222": PIN}


def test_a_changed_host_key_is_no_question() -> None:
    error = UntrustedError("changed", fingerprint=PIN, place="ssh:h:22", changed=True)
    with pytest.raises(UsageError, match="changed"):
        accepted_after(POSTFIX, error)
