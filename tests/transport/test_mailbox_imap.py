"""A message found in a real Dovecot by IMAP, and servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.mailbox import MailboxAccount, MailboxProtocol
from smtpadmin.model.profile import TlsMode
from smtpadmin.transport.mailbox_imap import find_by_imap
from tests.servers.dovecot import Dovecot, running_dovecot
from tests.support.odd_server import Talk, odd_server

IMAP = MailboxProtocol.IMAP


def message(name: str, body: str = "body") -> bytes:
    return f"From: a@b.example\r\nSubject: {name}\r\nMessage-ID: <{name}@b.example>\r\n\r\n{body}\r\n".encode()


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.mark.parametrize("tls", list(TlsMode))
async def test_found_in_the_inbox(dovecot: Dovecot, tls: TlsMode) -> None:
    dovecot.deliver(message(f"in-{tls}"))
    found = await find_by_imap(dovecot.account(IMAP, tls), f"<in-{tls}@b.example>", 20)
    assert found is not None
    assert (found.folder, found.is_junk) == ("INBOX", False)
    assert found.stored is not None
    assert b"body\r\n" in found.raw
    assert "\\Seen" not in found.flags
    again = await find_by_imap(dovecot.account(IMAP, tls), f"<in-{tls}@b.example>", 20)
    assert again is not None
    assert "\\Seen" not in again.flags


async def test_found_in_junk_and_in_a_folder_of_another_script(dovecot: Dovecot) -> None:
    dovecot.put(message("junk"), "Junk")
    dovecot.put(message("other"), "Ünï code")
    junk = await find_by_imap(dovecot.account(), "junk@b.example", 20)
    other = await find_by_imap(dovecot.account(), "<other@b.example>", 20)
    assert junk is not None
    assert other is not None
    assert (junk.folder, junk.is_junk, other.folder, other.is_junk) == (
        "Junk",
        True,
        "Ünï code",
        False,
    )
    assert await find_by_imap(dovecot.account(), "<none@b.example>", 20) is None


async def test_wrong_password_certificate_and_port(dovecot: Dovecot) -> None:
    with pytest.raises(LoginError) as failed:
        await find_by_imap(dovecot.account(password="wrong"), "x@y", 20)
    assert "wrong" not in f"{failed.value} {failed.value.detail}"
    with pytest.raises(UntrustedError):
        await find_by_imap(dovecot.account(ca_file=""), "x@y", 20)
    with pytest.raises(UntrustedError):
        await find_by_imap(dovecot.account(fingerprint="00" * 32), "x@y", 20)
    with pytest.raises(UnreachableError):
        await find_by_imap(MailboxAccount(IMAP, "127.0.0.1", 1, TlsMode.NONE, "u", "p"), "x@y", 20)


@pytest.mark.parametrize("message_id", ["", "<>", 'a"b@c', "a b@c", "a\r\nX LOGOUT", "a\\b", "é@x"])
async def test_what_is_no_message_id_is_never_sent(message_id: str) -> None:
    with pytest.raises(UsageError):
        await find_by_imap(
            MailboxAccount(IMAP, "127.0.0.1", 1, TlsMode.NONE, "u", "p"), message_id, 5
        )
    with pytest.raises(UsageError):
        await find_by_imap(
            MailboxAccount(IMAP, "127.0.0.1", 1, TlsMode.NONE, "u", "p\r\nx"), "a@b", 5
        )


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400\r\n\r\n",
        b"* BYE go away\r\n",
        b"\x00\xff\r\n",
        b"* OK hi\r\n* CAPABILITY\r\n",
    ],
)
async def test_servers_that_are_none(said: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.close()

    async with odd_server(talk) as port:
        with pytest.raises((ProtocolError, UnreachableError)):
            await find_by_imap(
                MailboxAccount(IMAP, "127.0.0.1", port, TlsMode.NONE, "u", "p"), "a@b", 10
            )


def imap_talk(answers: dict[str, list[bytes]]) -> Talk:
    """Says these untagged lines to a command (``NO`` refuses it), then that it is done."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* PREAUTH hello\r\n" if "PREAUTH" in answers else b"* OK hello\r\n")
        while line := await reader.readline():
            tag, _, command = line.strip().partition(b" ")
            name = command.decode().removeprefix("UID ").split(" ")[0]
            said = answers.get(command.decode(), answers.get(name, []))
            if said == [b"NO"]:
                writer.write(tag + b" NO not for you\r\n")
                continue
            writer.write(b"".join(said) + tag + b" OK done\r\n")
            await writer.drain()

    return talk


USUAL = {
    "CAPABILITY": [b"* CAPABILITY IMAP4rev1\r\n"],
    "LIST": [
        b'* LIST () "/" INBOX\r\n',
        b'* LIST () "/" closed\r\n',
        b'* LIST (\\Noselect) "/" none\r\n',
    ],
    'EXAMINE "closed"': [b"NO"],
    "SEARCH": [b"* SEARCH\r\n"],
}


async def look(answers: dict[str, list[bytes]]) -> object:
    async with odd_server(imap_talk(answers)) as port:
        return await find_by_imap(
            MailboxAccount(IMAP, "127.0.0.1", port, TlsMode.NONE, "u", "p"), "a@b", 10
        )


async def test_a_folder_that_may_not_be_opened_is_passed_over() -> None:
    assert await look(USUAL) is None


@pytest.mark.parametrize(
    "answers",
    [
        {'EXAMINE "INBOX"': [b"NO"]}, {"SEARCH": [b"* SEARCH x;y\r\n"]}, {"LIST": [b"NO"]},
        {"SEARCH": [b"* SEARCH 1\r\n"], "FETCH": [b"* 1 FETCH (UID 1 RFC822.SIZE 99999999999 BODY[HEADER.FIELDS (MESSAGE-ID)] {21}\r\nMessage-ID: <a@b>\r\n\r\n)\r\n"]},
    ],
)  # fmt: skip
async def test_answers_that_are_refusals_or_none(answers: dict[str, list[bytes]]) -> None:
    with pytest.raises(ProtocolError):
        await look(USUAL | answers)


async def test_what_is_found_and_gone_again_is_not_found() -> None:
    assert await look(USUAL | {"SEARCH": [b"* SEARCH 1 2\r\n"]}) is None


async def test_a_silent_server_ends_at_the_deadline() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with odd_server(talk) as port:
        with pytest.raises(SmtpadminError) as failed:
            await find_by_imap(
                MailboxAccount(IMAP, "127.0.0.1", port, TlsMode.NONE, "u", "p"), "a@b", 0.5
            )
    assert isinstance(failed.value, (TotalDeadlineError, UnreachableError))


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(MailboxAccount(IMAP, "h", 1, TlsMode.NONE, "u", "secret"))
    assert Path(__file__).exists()
