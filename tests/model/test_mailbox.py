"""Nouns of a watched mailbox."""

from __future__ import annotations

from smtpadmin.model.mailbox import MAILBOX_PORTS, MailboxAccount, MailboxProtocol
from smtpadmin.model.profile import TlsMode


def test_the_password_is_never_shown() -> None:
    account = MailboxAccount(
        MailboxProtocol.IMAP, "h.example", 993, TlsMode.IMPLICIT, "u", "secret"
    )
    assert "secret" not in repr(account)
    assert account.where == "imap://h.example:993"


def test_every_protocol_has_its_ports() -> None:
    assert set(MAILBOX_PORTS) == {
        (protocol, tls) for protocol in MailboxProtocol for tls in TlsMode
    }
