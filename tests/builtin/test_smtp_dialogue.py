"""Lines to and from a next hop that answers as told."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from smtpadmin.builtin import smtp_dialogue
from smtpadmin.builtin.config import NextHop
from smtpadmin.builtin.smtp_dialogue import Dialogue, SessionError, SmtpReply
from smtpadmin.model.profile import TlsMode
from tests.support.scripted_host import CLOSE, SILENCE, ScriptedHost

CA = trustme.CA()
OFFER_TLS = "250-host.example\r\n250 STARTTLS"


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("127.0.0.1").configure_cert(context)
    return context


def client_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


@asynccontextmanager
async def talking(
    host: ScriptedHost, tls: TlsMode = TlsMode.NONE, *, require_tls: bool = False
) -> AsyncIterator[Dialogue]:
    async with host.running():
        hop = NextHop("127.0.0.1", host.port, tls, require_tls=require_tls)
        dialogue = Dialogue(hop, "me.example", client_tls())
        try:
            yield dialogue
        finally:
            await dialogue.close()


async def failure(
    host: ScriptedHost, tls: TlsMode = TlsMode.NONE, *, require_tls: bool = False
) -> SessionError:
    async with talking(host, tls, require_tls=require_tls) as dialogue:
        with pytest.raises(SessionError) as caught:
            await dialogue.open()
        return caught.value


async def test_a_session_is_kept_line_by_line() -> None:
    async with talking(ScriptedHost()) as dialogue:
        await dialogue.open()
        assert dialogue.extensions == {"SIZE": "1000000", "8BITMIME": "", "SMTPUTF8": ""}
        reply = await dialogue.command("AUTH PLAIN c2VjcmV0", shown="AUTH PLAIN <redacted>")
        assert reply == SmtpReply(250, "2.0.0 Ok")
        lines = [(direction, line) for _, direction, line, _ in dialogue.record.lines]
    assert lines[1:] == [
        ("<", "220 host.example ESMTP"),
        (">", "EHLO me.example"),
        ("<", "250-host.example"),
        ("<", "250-SIZE 1000000"),
        ("<", "250-8BITMIME"),
        ("<", "250 SMTPUTF8"),
        (">", "AUTH PLAIN <redacted>"),
        ("<", "250 2.0.0 Ok"),
    ]
    assert lines[0][1].startswith("connected to 127.0.0.1:")
    times = [line[0] for line in dialogue.record.lines]
    assert times == sorted(times)


async def test_helo_when_ehlo_is_not_understood() -> None:
    host = ScriptedHost({"EHLO": "502 5.5.1 what?"})
    async with talking(host) as dialogue:
        await dialogue.open()
        assert host.commands == ["EHLO me.example", "HELO me.example"]
        assert dialogue.extensions == {}


@pytest.mark.parametrize(
    ("replies", "dsn", "words"),
    [
        ({"banner": "421 4.7.0 go away"}, "4.7.0", "refused to talk to me: 421 4.7.0 go away"),
        ({"banner": "554 5.7.1 never"}, "4.0.0", "refused to talk to me: 554 5.7.1 never"),
        ({"banner": CLOSE}, "4.4.2", "lost connection with 127.0.0.1"),
        ({"banner": "hello"}, "4.5.0", "sent nonsense: hello"),
        ({"banner": "999 hello"}, "4.5.0", "sent nonsense: 999 hello"),
        ({"banner": "220-" + "x" * 1_000_000}, "4.5.0", "sent too long a line"),
        ({"EHLO": "\r\n".join(["250-x"] * 200)}, "4.5.0", "sent an endless reply"),
        ({"EHLO": "\0\0\0"}, "4.5.0", "sent nonsense"),
        ({"EHLO": "500 no", "HELO": "550 5.7.1 no"}, "4.0.0", "said: 550 5.7.1 no"),
    ],
)
async def test_hosts_that_misbehave(replies: dict[str, str], dsn: str, words: str) -> None:
    error = await failure(ScriptedHost(replies))
    assert error.dsn == dsn
    assert words in error.reply
    assert len(error.reply) < 300


async def test_a_silent_host_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async with talking(ScriptedHost({"NOOP": SILENCE})) as dialogue:
        await dialogue.open()
        await dialogue.send(b"NOOP\r\n")
        with pytest.raises(SessionError, match="timed out") as caught:
            await dialogue.reply(most=0.05)
        assert caught.value.dsn == "4.4.2"


async def test_nobody_there() -> None:
    dialogue = Dialogue(NextHop("127.0.0.1", 1, TlsMode.NONE), "me", client_tls())
    with pytest.raises(SessionError, match=r"connect to 127\.0\.0\.1:1: Connection refused"):
        await dialogue.open()
    await dialogue.close()


async def test_a_command_holds_one_line() -> None:
    async with talking(ScriptedHost()) as dialogue:
        await dialogue.open()
        with pytest.raises(SessionError) as caught:
            await dialogue.command("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>")
        assert caught.value.dsn == "5.1.3"


async def test_secrets_that_a_host_repeats_are_not_kept() -> None:
    host = ScriptedHost({"AUTH": "535 5.7.8 what is c2VjcmV0?"})
    async with talking(host) as dialogue:
        await dialogue.open()
        dialogue.record.secrets.append("c2VjcmV0")
        reply = await dialogue.command("AUTH PLAIN c2VjcmV0", shown="AUTH PLAIN <redacted>")
        assert reply.text == "5.7.8 what is <redacted>?"
        assert "c2VjcmV0" not in repr(dialogue.record.lines)


async def test_a_transcript_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_dialogue, "MOST_KEPT", 8)
    async with talking(ScriptedHost()) as dialogue:
        await dialogue.open()
        for _ in range(10):
            await dialogue.command("NOOP")
        dialogue.record.add("*", "the end")
        assert len(dialogue.record.lines) == 9
        assert dialogue.record.lines[-1][2] == "the end"


# TLS.


async def test_starttls_when_it_is_offered() -> None:
    async with talking(
        ScriptedHost({"EHLO": OFFER_TLS}, server_tls()), TlsMode.STARTTLS
    ) as dialogue:
        await dialogue.open()
        assert dialogue.record.tls
        first, *_, last = dialogue.record.lines
        assert (first[3], last[3]) == (False, True)
        assert any(line.startswith("TLSv1.") for _, d, line, _ in dialogue.record.lines if d == "*")


async def test_clear_text_when_tls_is_not_offered_and_not_required() -> None:
    async with talking(ScriptedHost(), TlsMode.STARTTLS) as dialogue:
        await dialogue.open()
        assert not dialogue.record.tls


@pytest.mark.parametrize(
    ("replies", "dsn", "words"),
    [
        ({}, "4.7.4", "TLS is required, but was not offered"),
        ({"EHLO": OFFER_TLS, "STARTTLS": "454 4.7.0 no"}, "4.7.5", "454 4.7.0 no (STARTTLS)"),
        (
            {"EHLO": OFFER_TLS, "STARTTLS": "220 go\r\n250 x"},
            "4.7.5",
            "more than its STARTTLS reply",
        ),
    ],
)
async def test_tls_that_does_not_come_about(replies: dict[str, str], dsn: str, words: str) -> None:
    error = await failure(ScriptedHost(replies), TlsMode.STARTTLS, require_tls=True)
    assert error.dsn == dsn
    assert words in error.reply


async def test_a_certificate_that_is_not_trusted() -> None:
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(other)
    error = await failure(ScriptedHost({"EHLO": OFFER_TLS}, other), TlsMode.STARTTLS)
    assert error.dsn == "4.7.5"
    assert "CERTIFICATE_VERIFY_FAILED" in error.reply


async def test_no_implicit_tls_there() -> None:
    error = await failure(ScriptedHost(), TlsMode.IMPLICIT)
    assert error.dsn == "4.4.1"
    assert "connect to" in error.reply


# Replies.


@pytest.mark.parametrize(
    ("reply", "dsn"),
    [
        (SmtpReply(550, "5.1.1 no"), "5.1.1"),
        (SmtpReply(550, "no 5.1.1"), "5.0.0"),
        (SmtpReply(450, "5.1.1 contradicts"), "4.0.0"),
        (SmtpReply(250, "2.0.0"), "2.0.0"),
        (SmtpReply(250, "2.0.0.1 x"), "2.0.0"),
        (SmtpReply(354, "go on"), "3.0.0"),
    ],
)
def test_the_status_of_a_reply(reply: SmtpReply, dsn: str) -> None:
    assert reply.dsn == dsn
    assert reply.line == f"{reply.code} {reply.text}"


@pytest.mark.parametrize(
    ("reply", "too_many"),
    [
        (SmtpReply(452, "4.5.3 too many"), True),
        (SmtpReply(452, "too many"), True),
        (SmtpReply(552, "too many"), True),
        (SmtpReply(552, "5.2.2 mailbox full"), False),
        (SmtpReply(452, "4.2.2 mailbox full"), False),
        (SmtpReply(450, "4.5.3"), False),
    ],
)
def test_refused_for_their_number_alone(reply: SmtpReply, too_many: bool) -> None:
    assert reply.is_too_many is too_many
