"""A message found in a real Dovecot by POP3, and servers that misbehave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smtpadmin.model.errors import LoginError, ProtocolError, UnreachableError, UntrustedError
from smtpadmin.model.mailbox import MailboxAccount, MailboxProtocol
from smtpadmin.model.profile import TlsMode
from smtpadmin.transport.mailbox_pop3 import find_by_pop3
from tests.servers.dovecot import Dovecot, running_dovecot
from tests.support.odd_server import odd_server, script
from tests.transport.test_mailbox_imap import message

POP3 = MailboxProtocol.POP3


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.mark.parametrize("tls", list(TlsMode))
async def test_found_and_left_there(dovecot: Dovecot, tls: TlsMode) -> None:
    dovecot.deliver(message(f"p-{tls}", "x" * 900 + "\r\n.\r\n..dots"))
    for _ in range(2):
        found = await find_by_pop3(dovecot.account(POP3, tls), f"<p-{tls}@b.example>", 20)
        assert found is not None
        assert found.folder == "INBOX"
        assert found.raw.endswith(b"\r\n.\r\n..dots\r\n")
    assert await find_by_pop3(dovecot.account(POP3, tls), f"-{tls}@b.example", 20) is None


async def test_a_line_longer_than_poplib_takes(dovecot: Dovecot) -> None:
    long = b"X-Long: " + b"y" * 50_000 + b"\r\n" + message("long")
    dovecot.put(long, "INBOX")
    found = await find_by_pop3(dovecot.account(POP3), "<long@b.example>", 20)
    assert found is not None
    assert b"y" * 50_000 in found.raw


async def test_wrong_password_and_certificate(dovecot: Dovecot) -> None:
    with pytest.raises(LoginError):
        await find_by_pop3(dovecot.account(POP3, password="wrong"), "x@y", 20)
    with pytest.raises(UntrustedError):
        await find_by_pop3(dovecot.account(POP3, ca_file=""), "x@y", 20)
    with pytest.raises(UntrustedError):
        await find_by_pop3(
            dovecot.account(POP3, TlsMode.STARTTLS, fingerprint="00" * 32), "x@y", 20
        )


@pytest.mark.parametrize(
    "steps",
    [(b"",), (b"220 smtp\r\n",), (b"+OK\r\n", b"+OK\r\n", b"+OK\r\n", b"+OK many messages\r\n"),
     (b"+OK\r\n", b"+OK\r\n", b"+OK\r\n", b"+OK 1 1\r\n", b"+OK\r\nno end")],
)  # fmt: skip
async def test_servers_that_are_none(steps: tuple[bytes, ...]) -> None:
    async with odd_server(script(*steps)) as port:
        with pytest.raises((ProtocolError, UnreachableError)):
            await find_by_pop3(
                MailboxAccount(POP3, "127.0.0.1", port, TlsMode.NONE, "u", "p"), "a@b", 10
            )
