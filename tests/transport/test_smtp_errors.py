"""Whose fault it was, in one sentence."""

from __future__ import annotations

import ssl

import aiosmtplib
import pytest

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.smtp import Reply, Stage
from smtpadmin.transport.smtp_errors import refusal, too_slow, translate

WHERE = "mx.example:25"


def verification_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired."
    return error


def wrapped(cause: BaseException) -> aiosmtplib.SMTPConnectError:
    error = aiosmtplib.SMTPConnectError("Error connecting")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (verification_error(), UntrustedError, "is not trusted (certificate has expired)"),
        (wrapped(verification_error()), UntrustedError, "is not trusted (certificate has expired)"),
        (wrapped(ssl.SSLError(1, "WRONG_VERSION")), UnreachableError, "the TLS handshake failed"),
        (ProtocolError("no reply"), ProtocolError, "no reply (after MAIL FROM)"),
        (aiosmtplib.SMTPServerDisconnected("x"), UnreachableError, "closed the connection after"),
        (ConnectionResetError("x"), UnreachableError, "the server closed the connection after"),
        (ValueError("odd"), UsageError, "odd"),
        (OSError(5, "Input/output error"), UnreachableError, "the session broke after MAIL FROM"),
    ],
)
def test_each_failure_has_its_type(
    error: BaseException, kind: type[SmtpadminError], what: str
) -> None:
    found = translate(error, Stage.MAIL, WHERE, halfway=False)
    assert type(found) is kind
    assert what in found.what
    assert found.where == WHERE


def test_a_connection_that_ends_inside_a_line_says_so() -> None:
    found = translate(ConnectionError(), Stage.BANNER, WHERE, halfway=True)
    assert (
        found.what
        == "the server closed the connection in the middle of a line, before its greeting"
    )


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_words(stage: Stage) -> None:
    assert too_slow(stage, 1.5, WHERE).what.startswith("no answer within 1.5 s ")
    assert type(too_slow(stage, 1.5, WHERE)) is TotalDeadlineError
    assert translate(ConnectionError(), stage, WHERE, halfway=False).what


def test_silence_before_the_greeting_hints_at_implicit_tls() -> None:
    assert "implicit TLS" in too_slow(Stage.BANNER, 1, WHERE).remedy


def test_refusals() -> None:
    login = refusal(Reply(535, "5.7.8 bad"), Stage.AUTH, WHERE)
    assert isinstance(login, LoginError)
    assert "app password" in login.remedy
    assert "temporary" in refusal(Reply(454, "4.7.0 later"), Stage.AUTH, WHERE).remedy
    refused = refusal(Reply(550, "no\nsuch\x1b user" + "x" * 5_000), Stage.RCPT, WHERE)
    assert isinstance(refused, ServerRefusedError)
    assert refused.what.startswith("the server refused at rcpt: 550 no such␛ user")
    assert len(refused.what) < 500
    odd = refusal(Reply(250, "ok"), Stage.DATA, WHERE)
    assert isinstance(odd, ProtocolError)
    assert odd.what == "an answer out of place: 250 ok (data)"
