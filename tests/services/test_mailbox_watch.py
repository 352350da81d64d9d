"""Waiting for a message, in a real Dovecot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from smtpadmin.model.errors import LoginError, TotalDeadlineError, UnreachableError
from smtpadmin.model.mailbox import MailboxAccount, MailboxProtocol
from smtpadmin.model.profile import TlsMode
from smtpadmin.services import mailbox_watch
from smtpadmin.services.mailbox_watch import (
    failure_to_tell,
    shown_certificate,
    wait_for_message,
    wait_for_report,
)
from tests.formats.test_bounce import DSN
from tests.servers.dovecot import PASSWORD, Dovecot, running_dovecot
from tests.transport.test_mailbox_imap import message


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.mark.parametrize("protocol", list(MailboxProtocol))
async def test_it_arrives_while_we_wait(dovecot: Dovecot, protocol: MailboxProtocol) -> None:
    async def later() -> None:
        await asyncio.sleep(1)
        await asyncio.to_thread(dovecot.deliver, message(f"later-{protocol}"))

    found, _ = await asyncio.gather(
        wait_for_message(dovecot.account(protocol), f"<later-{protocol}@b.example>", 20), later()
    )
    assert found is not None
    assert b"body" in found.raw


@pytest.mark.parametrize("protocol", list(MailboxProtocol))
async def test_the_report_about_a_message(dovecot: Dovecot, protocol: MailboxProtocol) -> None:
    report = DSN.replace(b"<orig@example.org>", f"<orig-{protocol}@example.org>".encode())
    dovecot.deliver(report)
    dovecot.deliver(message("talk", f"what became of <orig-{protocol}@example.org>?"))
    found = await wait_for_report(dovecot.account(protocol), f"<orig-{protocol}@example.org>", 20)
    assert found is not None
    assert b"gone@b.example" in found.raw
    assert await wait_for_report(dovecot.account(protocol), "<talk@b.example>", 1) is None


async def test_it_does_not_arrive(dovecot: Dovecot) -> None:
    started = asyncio.get_running_loop().time()
    assert await wait_for_message(dovecot.account(), "<never@b.example>", 1.5) is None
    assert asyncio.get_running_loop().time() - started < 6


async def test_a_wrong_password_is_not_tried_again(dovecot: Dovecot) -> None:
    with pytest.raises(LoginError):
        await wait_for_message(dovecot.account(password="wrong"), "<x@y>", 30)


async def test_a_mailbox_that_is_never_there_is_said() -> None:
    account = MailboxAccount(MailboxProtocol.POP3, "127.0.0.1", 1, TlsMode.NONE, "u", "p")
    with pytest.raises(UnreachableError, match="refused"):
        await wait_for_message(account, "<x@y>", 1.5)


def test_what_went_wrong_before_says_more_than_our_deadline() -> None:
    refused, late = UnreachableError("refused"), TotalDeadlineError("late")
    assert failure_to_tell(refused, late) is refused
    assert failure_to_tell(None, late) is late
    assert failure_to_tell(late, refused) is refused


@pytest.mark.parametrize("answers", [[None], [UnreachableError("x"), None]])
async def test_a_last_look_that_our_own_deadline_ends_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, answers: list[UnreachableError | None]
) -> None:
    left = list(answers)

    async def look(*_: object) -> None:
        answer = left.pop(0) if left else TotalDeadlineError("late")
        if answer is not None:
            raise answer

    monkeypatch.setattr(mailbox_watch, "_look", look)
    monkeypatch.setattr(mailbox_watch, "FIRST_STEP_S", 0.01)
    account = MailboxAccount(MailboxProtocol.POP3, "127.0.0.1", 1, TlsMode.NONE, "u", "p")
    assert await wait_for_message(account, "<x@y>", 0.2) is None


async def test_the_certificate_is_told_and_nobody_logs_in(dovecot: Dovecot) -> None:
    await asyncio.to_thread(dovecot.deliver, message("trusted"))
    log = dovecot.folder / "dovecot.log"
    refused = log.read_text().count("auth failed")
    for protocol in MailboxProtocol:
        for tls in (TlsMode.IMPLICIT, TlsMode.STARTTLS):
            account = dovecot.account(protocol, tls, ca_file="", password="never sent")
            seen = await shown_certificate(account)
            assert len(seen) == 64
            trusted = replace(account, fingerprint=seen, password=PASSWORD)
            assert await wait_for_message(trusted, "<trusted@b.example>", 20.0) is not None
    assert log.read_text().count("auth failed") == refused
    closed = MailboxAccount(MailboxProtocol.IMAP, "127.0.0.1", 1, TlsMode.IMPLICIT, "u", "p")
    assert await shown_certificate(closed) == ""
