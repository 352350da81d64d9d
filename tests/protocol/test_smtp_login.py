"""AUTH as it goes over the wire, with servers that speak out of turn."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import LoginError, ProtocolError, SmtpadminError
from smtpadmin.model.smtp_plan import LoginPlan, SendPlan, TlsPlan, TlsUse
from smtpadmin.protocol.sasl import MAKERS
from smtpadmin.protocol.smtp_login import offered_mechanisms
from smtpadmin.protocol.smtp_outputs import Kind, Write
from tests.support.dialogue_script import Played, play

PASSWORD = "hunter2 & hunter3"
BANNER = b"220 mx\r\n"


def logged_in(
    *replies: bytes, mechanism: str = "", offer: bytes = b"PLAIN", **plan: object
) -> Played:
    names = (mechanism,) if mechanism else ()
    use = TlsUse.IMPLICIT if plan.pop("tls", False) else TlsUse.NONE
    login = LoginPlan("user", mechanisms=names, **plan)  # type: ignore[arg-type]
    wanted = SendPlan(login=login, tls=TlsPlan(use))
    ehlo = b"250-mx\r\n250 AUTH " + offer + b"\r\n" if offer else b"250 mx\r\n"
    return play(wanted, (BANNER, ehlo, *replies), secret=PASSWORD, envelope=None)


def auth_lines(played: Played) -> list[str]:
    """Without EHLO and QUIT, Base64 decoded."""
    found = []
    for line in played.lines[1:]:
        *words, last = line.split(" ")
        if line != "QUIT":
            decoded = base64.b64decode(last).decode() if line not in ("*", *words) else last
            found.append(" ".join([*words, decoded]))
    return found


def test_login_prompted_and_at_once() -> None:
    prompts = (b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"235 ok\r\n", b"221 bye\r\n")
    played = logged_in(*prompts, mechanism="LOGIN", offer=b"LOGIN")
    assert played.dialogue.error is None
    assert played.lines[1] == "AUTH LOGIN"
    assert [base64.b64decode(line).decode() for line in played.lines[2:4]] == ["user", PASSWORD]
    played = logged_in(*prompts[1:], mechanism="LOGIN-INITIAL", offer=b"LOGIN")
    assert played.dialogue.error is None
    assert played.lines[1] == "AUTH LOGIN dXNlcg=="


def test_an_empty_initial_response_is_an_equals_sign() -> None:
    assert (
        logged_in(b"235 ok\r\n", mechanism="EXTERNAL", offer=b"EXTERNAL").lines[1]
        == "AUTH EXTERNAL ="
    )


@pytest.mark.parametrize(
    ("offer", "tls", "taken"),
    [
        (b"PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256", False, "SCRAM-SHA-256"),
        (b"PLAIN LOGIN CRAM-MD5", False, "CRAM-MD5"),
        (b"CRAM-MD5 LOGIN PLAIN", True, "PLAIN"),
        (b"login", True, "LOGIN"),
    ],
)
def test_where_others_listen_the_method_that_hides_the_password_comes_first(
    offer: bytes, tls: bool, taken: str
) -> None:
    played = logged_in(b"535 no\r\n", offer=offer, tls=tls)
    assert played.lines[1].split(" ")[1] == taken
    assert sum(line.startswith("AUTH") for line in played.lines) == 1
    assert bool([n for n in played.notes if "others can read" in n]) is not tls


def test_no_method_in_common_says_what_is_offered() -> None:
    played = logged_in(b"221 bye\r\n", offer=b"GSSAPI NTLM")
    assert isinstance(played.dialogue.error, LoginError)
    assert "the server offers GSSAPI, NTLM" in played.dialogue.error.what


def test_a_method_that_is_named_is_tried_even_when_it_is_not_offered() -> None:
    played = logged_in(b"235 ok\r\n", mechanism="XOAUTH2", offer=b"")
    assert played.lines[1].startswith("AUTH XOAUTH2 ")


def test_optional_goes_on() -> None:
    for replies, offer in (
        ((b"535 no\r\n", b"221 bye\r\n"), b"PLAIN"),
        ((b"221 bye\r\n",), b"NTLM"),
    ):
        played = logged_in(*replies, offer=offer, optional=True)
        assert played.dialogue.error is None
        assert any("no login" in note for note in played.notes)
    played = logged_in(b"421 bye\r\n", optional=True)
    assert played.dialogue.error is not None


def test_xoauth2_shows_what_the_refusal_says() -> None:
    trouble = base64.b64encode(b'{"status":"401","scope":"https://mail.example/"}')
    played = logged_in(b"334 " + trouble + b"\r\n", b"535 5.7.8 no\r\n", mechanism="XOAUTH2")
    assert 'the server explains: {"status":"401","scope":"https://mail.example/"}' in played.notes
    assert isinstance(played.dialogue.error, LoginError)
    assert played.lines[2] == ""


def test_scram_that_is_accepted_without_proof_is_refused() -> None:
    played = logged_in(b"235 welcome\r\n", mechanism="SCRAM-SHA-256", offer=b"SCRAM-SHA-256")
    assert isinstance(played.dialogue.error, LoginError)
    assert "could not prove" in played.dialogue.error.what


def test_a_challenge_that_makes_no_sense_is_cancelled() -> None:
    played = logged_in(b"334 ***\r\n", mechanism="CRAM-MD5")
    assert isinstance(played.dialogue.error, ProtocolError)
    assert played.lines[-1] == "*"


def test_a_server_that_asks_for_ever() -> None:
    played = logged_in(*[b"334 QUJD\r\n"] * 30, mechanism="LOGIN")
    assert played.dialogue.error is not None
    assert len(played.lines) < 20


@pytest.mark.parametrize(
    ("extensions", "wanted"),
    [
        ({"AUTH": "PLAIN login"}, ["PLAIN", "LOGIN"]),
        ({"AUTH=LOGIN": ""}, ["LOGIN"]),
        ({"AUTH=LOGIN": "PLAIN"}, ["LOGIN", "PLAIN"]),
        ({}, []),
    ],
)
def test_offers(extensions: dict[str, str], wanted: list[str]) -> None:
    assert offered_mechanisms(extensions) == wanted


@given(
    st.sampled_from(sorted(MAKERS)),
    st.lists(
        st.one_of(
            st.binary(max_size=30).map(lambda c: b"334 " + base64.b64encode(c) + b"\r\n"),
            st.sampled_from(
                [b"334\r\n", b"334 ?\r\n", b"235 ok\r\n", b"250 ok\r\n", b"535 no\r\n"]
            ),
        ),
        max_size=6,
    ),
)
def test_responses_are_marked_as_secret_whatever_the_server_says(
    mechanism: str, replies: list[bytes]
) -> None:
    if mechanism.endswith("PLUS"):
        return  # needs TLS, see test_sasl_scram
    played = logged_in(*replies, mechanism=mechanism)
    assert played.hung_up
    assert played.dialogue.error is None or isinstance(played.dialogue.error, SmtpadminError)
    for item in played.outputs:
        if isinstance(item, Write) and item.kind is Kind.COMMAND:
            assert item.octets.split(b" ")[0].strip() in (b"EHLO", b"AUTH", b"QUIT")
