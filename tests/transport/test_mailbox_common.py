"""What IMAP and POP3 have in common."""

from __future__ import annotations

import ssl

import pytest

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    SmtpadminError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.mailbox import MailboxAccount, MailboxProtocol
from smtpadmin.model.profile import TlsMode
from smtpadmin.transport.mailbox_common import (
    check_account,
    message_id_of,
    searchable_id,
    worded,
)

ACCOUNT = MailboxAccount(MailboxProtocol.IMAP, "h.example", 993, TlsMode.IMPLICIT, "u", "p")


class SaidError(Exception):
    pass


class NoError(SaidError):
    pass


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (NoError("bad\x1b"), LoginError), (NoError("[UNAVAILABLE] later"), UnreachableError), (SaidError("x"), ProtocolError), (ConnectionRefusedError(111, "refused"), UnreachableError),
        (ssl.SSLCertVerificationError("x"), UntrustedError), (ssl.SSLError("x"), ProtocolError), (EOFError(), ProtocolError),
        (ValueError("x"), ProtocolError), (UsageError("x"), UsageError),
    ],
)  # fmt: skip
def test_errors_are_told_as_ours(raised: Exception, told: type[SmtpadminError]) -> None:
    if isinstance(raised, ssl.SSLCertVerificationError):
        raised.verify_message = "self-signed"
    with pytest.raises(told) as failed, worded(ACCOUNT, (SaidError,), (NoError,)):
        raise raised
    assert failed.value.detail.isprintable()


def test_a_bug_is_no_answer_of_a_server() -> None:
    with pytest.raises(ZeroDivisionError), worded(ACCOUNT, (SaidError,)):
        raise ZeroDivisionError


def test_ids() -> None:
    assert searchable_id(" <a+b@c.example> ") == "a+b@c.example"
    assert message_id_of(b"X: 1\r\nMessage-Id:\r\n <a@b>\r\n\r\n") == "a@b"
    assert message_id_of(b"") == ""
    with pytest.raises(UsageError):
        searchable_id("a\nb")


@pytest.mark.parametrize("changes", [{"user": ""}, {"password": "a\r\nb"}, {"user": "a\0"}])
def test_what_would_end_a_command_is_refused(changes: dict[str, str]) -> None:
    values = {"user": "u", "password": "p"} | changes
    with pytest.raises(UsageError):
        check_account(MailboxAccount(MailboxProtocol.POP3, "h", 1, TlsMode.NONE, **values))
