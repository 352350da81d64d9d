"""No secret passes, whoever speaks out of turn, whatever the mechanism."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.protocol.redaction import SHORTEST, Redactor

MECHANISMS = st.sampled_from(["PLAIN", "login", "CRAM-MD5", "XOAUTH2", "SCRAM-SHA-256", "X_1"])
SECRETS = st.text(st.characters(codec="utf-8", categories=["L", "N", "S"]), min_size=8, max_size=30)
HOSTILE = st.lists(
    st.sampled_from(
        [
            b"334 VXNlcm5hbWU6",
            b"334 ",
            b"334",
            b"334-",
            b"250 ok",
            b"354 go on",
            b"235 welcome",
            b"535 no",
            b"250-more",
            b"220_x",
            b"",
            b"garbage",
            b"\xff\x00",
            b"421 bye",
        ]
    ),
    max_size=4,
)


def coded(secret: str) -> bytes:
    return base64.b64encode(secret.encode())


@given(SECRETS, MECHANISMS, st.booleans(), st.lists(HOSTILE, max_size=5))
def test_a_response_never_shows_whatever_the_server_says_in_between(
    secret: str, mechanism: str, initial: bool, answers: list[list[bytes]]
) -> None:
    """The client answers what it takes for a challenge: the first line after its own."""
    redactor = Redactor()  # without the values: the dialogue alone must do
    response = coded(secret)
    first = f"AUTH {mechanism}".encode() + (b" " + response if initial else b"")
    shown = [redactor.client(first)]
    for answer in answers:
        shown += [redactor.server(line) for line in answer]
        if not answer or not answer[0].startswith(b"334"):
            break
        shown.append(redactor.client(response))
    assert response.decode() not in "\n".join(shown)
    assert shown[0].startswith(f"AUTH {mechanism}")


@given(SECRETS, st.sampled_from(["535 no, {} is wrong", "250-{}", "334 {}", "{}"]), st.booleans())
def test_a_secret_that_the_server_echoes_is_blotted_out(
    secret: str, words: str, plain: bool
) -> None:
    echoed = secret if plain else coded(secret).decode()
    shown = Redactor([secret]).server(words.format(echoed).encode())
    assert echoed not in shown
    assert "<redacted>" in shown


def test_a_secret_inside_a_longer_one_leaves_no_rest() -> None:
    assert Redactor(["pass", "password"]).server(b"x password y") == "x <redacted> y"


def test_what_is_too_short_to_blot_out_is_left() -> None:
    assert Redactor(["a" * (SHORTEST - 1)]).server(b"a banana aaa") == "a banana aaa"
    assert Redactor(["a" * (SHORTEST - 1)]).longest == 0


@pytest.mark.parametrize("prompt", ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "334 ", "334"])
def test_prompts_that_tell_nothing_are_shown(prompt: str) -> None:
    redactor = Redactor()
    redactor.client(b"AUTH LOGIN")
    assert redactor.server(prompt.encode()) == prompt


def test_a_challenge_is_counted_a_cancelled_login_is_shown_and_secrecy_ends() -> None:
    redactor = Redactor()
    assert redactor.client(b"auth CRAM-MD5") == "auth CRAM-MD5"
    assert redactor.server(b"334 PDEyMz4=") == "334 <challenge, 8 octets>"
    assert redactor.client(b"*") == "*"
    assert redactor.server(b"501-cancelled") == "501-cancelled"
    assert redactor.client(b"still secret") == "<redacted 12 octets>"
    assert redactor.server(b"501 cancelled") == "501 cancelled"
    assert redactor.client(b"QUIT") == "QUIT"


def test_the_password_after_a_challenge_is_secret_though_the_server_said_more() -> None:
    redactor = Redactor()
    redactor.client(b"AUTH LOGIN dXNlcg==")
    assert redactor.server(b"334 UGFzc3dvcmQ6") == "334 UGFzc3dvcmQ6"
    assert redactor.server(b"250 end of secrecy") == "250 end of secrecy"
    assert redactor.client(b"aHVudGVyMg==") == "<redacted 12 octets>"


def test_words_that_only_begin_like_auth_are_no_login() -> None:
    redactor = Redactor()
    assert redactor.client(b"AUTHENTICATE x") == "AUTHENTICATE x"
    assert redactor.client(b"MAIL FROM:<a@b>") == "MAIL FROM:<a@b>"
