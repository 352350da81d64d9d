"""Whose fault it was, in one sentence."""

from __future__ import annotations

import ssl

import aiosmtplib
import pytest

from smtpadmin.model.errors import (
    ProtocolError,
    SmtpadminError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.smtp import Stage
from smtpadmin.transport.smtp_errors import translate

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
