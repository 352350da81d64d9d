"""Each mechanism says what its RFC's example says."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.protocol.sasl import (
    CLEAR_ORDER,
    ENCRYPTED_ORDER,
    MAKERS,
    Credentials,
    start,
    wire_name,
)

WHO = Credentials("tim", "tanstaaftanstaaf")


def test_plain_of_rfc_4616() -> None:
    assert start("PLAIN", WHO).initial() == b"\0tim\0tanstaaftanstaaf"
    other = Credentials("Kurt", "xipj3plmq", authorize_as="Ursel")
    assert start("PLAIN", other).initial() == b"Ursel\0Kurt\0xipj3plmq"


def test_login_in_both_forms() -> None:
    prompted = start("LOGIN", WHO)
    assert prompted.initial() is None
    assert [prompted.answer(b"Username:"), prompted.answer(b"Password:")] == [
        b"tim", b"tanstaaftanstaaf",
    ]  # fmt: skip
    at_once = start("LOGIN-INITIAL", WHO)
    assert (at_once.initial(), at_once.answer(b"Password:")) == (b"tim", b"tanstaaftanstaaf")
    assert at_once.answer(b"again?") == b""
    assert wire_name("LOGIN-INITIAL") == "LOGIN"


def test_cram_md5_of_rfc_2195() -> None:
    found = start("CRAM-MD5", WHO)
    assert found.initial() is None
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    assert found.answer(challenge) == b"tim b913a602c7eda7a495b4e6e7334d3890"


def test_cram_sha1_is_the_same_with_another_hash() -> None:
    # HMAC-SHA-1 of RFC 2202, test case 2.
    found = start("CRAM-SHA1", Credentials("u", "Jefe")).answer(b"what do ya want for nothing?")
    assert found == b"u effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"


def test_xoauth2_and_what_its_refusal_says() -> None:
    found = start(
        "XOAUTH2",
        Credentials("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"),
    )
    wanted = (
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNr"
        "QmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )  # Google's own example
    assert base64.b64encode(found.initial() or b"").decode() == wanted
    assert found.answer(b'{"status":"401"}') == b""
    assert found.trouble == b'{"status":"401"}'


def test_oauthbearer_of_rfc_7628() -> None:
    who = Credentials(
        "user@example.com",
        "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
        host="server.example.com",
        port=587,
    )
    found = start("OAUTHBEARER", who)
    wanted = (
        "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVy"
        "IHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
    )  # section 4.1, the exchange over SMTP
    assert base64.b64encode(found.initial() or b"").decode() == wanted
    assert found.answer(b'{"status":"invalid_token"}') == b"\x01"


def test_external() -> None:
    assert start("EXTERNAL", Credentials("", "")).initial() == b""
    assert start("EXTERNAL", Credentials("", "", authorize_as="fred")).initial() == b"fred"


def test_every_mechanism_is_taken_by_choice_and_those_for_passwords_unasked() -> None:
    assert set(ENCRYPTED_ORDER) == set(CLEAR_ORDER)
    assert set(ENCRYPTED_ORDER) <= set(MAKERS)
    assert not {"XOAUTH2", "OAUTHBEARER", "EXTERNAL"} & set(ENCRYPTED_ORDER)


@pytest.mark.parametrize("secret", ["nul\0nul", "lone \udcff surrogate"])
@pytest.mark.parametrize("mechanism", sorted(MAKERS))
def test_a_password_that_cannot_be_sent(mechanism: str, secret: str) -> None:
    with pytest.raises(UsageError) as found:
        start(mechanism, Credentials("u", secret))
    assert secret not in repr(found.value) + repr(found.value.__context__)


def test_no_credentials_in_a_repr() -> None:
    assert "tanstaaf" not in repr(WHO)


def test_unknown_and_injected() -> None:
    with pytest.raises(UsageError, match="no login method"):
        start("KERBEROS_V4", WHO)
    with pytest.raises(UsageError, match="control"):
        start("XOAUTH2", Credentials("a\x01auth=Bearer x", "y"))


@given(st.sampled_from(sorted(MAKERS)), st.lists(st.binary(max_size=60), max_size=5))
def test_any_challenges_give_responses_or_errors_of_ours(
    mechanism: str, challenges: list[bytes]
) -> None:
    from smtpadmin.model.errors import SmtpadminError

    found = start(mechanism, Credentials("u", "pencil", bindings={"tls-unique": b"x"}))
    found.initial()
    for challenge in challenges:
        try:
            answer: object = found.answer(challenge)
        except SmtpadminError as error:
            answer = str(error).replace("pencil", "").encode()
        assert isinstance(answer, bytes)
