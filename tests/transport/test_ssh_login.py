"""How questions of a server are answered; logging in for real is in test_ssh_connect."""

from __future__ import annotations

import asyncssh
import pytest

from smtpadmin.transport.ssh_login import Client, Credentials, login_arguments
from smtpadmin.transport.ssh_options import Resolved, Target
from smtpadmin.transport.ssh_trust import HostKeyCheck

DENIED = asyncssh.PermissionDenied("Permission denied")


def client(password: str = "secret") -> Client:
    resolved = Resolved(Target("mx1"), "mx1", 22, "ann", "mx1", (), known_hosts=("/nowhere",))
    return Client(HostKeyCheck(resolved, {}), password, lambda _: None)


def test_the_password_is_given_once_over_all_methods() -> None:
    asked = client()
    assert asked.kbdint_auth_requested() == ""
    assert asked.password_auth_requested() == "secret"
    assert asked.password_auth_requested() is None
    assert asked.kbdint_auth_requested() is None
    assert asked.kbdint_challenge_received("", "", "", [("Password: ", False)]) is None
    assert "refused the password" in str(asked.refusal("ssh mx1", DENIED))


def test_hidden_prompts_in_any_language_get_it() -> None:
    assert client().kbdint_challenge_received("", "", "", [("Passwort: ", False)]) == ["secret"]
    assert client().kbdint_challenge_received("", "", "", []) == []


@pytest.mark.parametrize(
    ("prompt", "echo"),
    [("Verification code: ", False), ("One-time password: ", False), ("Name: ", True)],
)
def test_other_prompts_do_not(prompt: str, echo: bool) -> None:
    asked = client()
    assert asked.kbdint_challenge_received("", "", "", [(prompt, echo)]) is None
    refusal = asked.refusal("ssh mx1", DENIED)
    assert prompt.strip() in refusal.what
    assert "secret" not in f"{refusal} {refusal.remedy}"


def test_a_hostile_prompt_is_shown_safely() -> None:
    asked = client("")
    asked.kbdint_challenge_received("", "", "", [("\x1b[2Jcode" + "x" * 5000, False)])
    assert "\x1b" not in str(asked.refusal("w", DENIED))
    assert len(str(asked.refusal("w", DENIED))) < 500


async def test_a_jump_host_gets_the_key_and_not_the_password() -> None:
    whole = Credentials("secret", "", "words")
    assert whole.for_jump() == Credentials("", "", "words")
    assert "password" in str((await login_arguments(whole, "w"))["preferred_auth"])
    assert "preferred_auth" not in await login_arguments(whole.for_jump(), "w")
