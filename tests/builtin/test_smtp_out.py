"""One message to one next hop: an outcome for each recipient, whatever the host does."""

from __future__ import annotations

import base64
import json
import ssl
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.builtin import smtp_out
from smtpadmin.builtin.config import NextHop
from smtpadmin.builtin.smtp_out import OutgoingSession, _stuffed
from smtpadmin.builtin.spool_records import Outcome, SpooledMessage, SpooledRecipient
from smtpadmin.formats.message_header import normal_line_ends
from smtpadmin.model.profile import TlsMode
from smtpadmin.protocol.smtp_server import _unstuffed
from tests.support.scripted_host import CLOSE, ScriptedHost

RAW = b"Subject: x\r\n\r\n.dot\r\n"
MESSAGE = SpooledMessage(
    "Q1", "active", 1, 2, 3, 0, False, "a@x.example", 5, None, None, None, None, None, False, ()
)


def people(count: int) -> list[SpooledRecipient]:
    return [SpooledRecipient(n, f"{n}@y.example") for n in range(count)]


async def deliver(
    host: ScriptedHost,
    count: int = 1,
    message: SpooledMessage = MESSAGE,
    raw: bytes = RAW,
    user: str = "",
) -> tuple[list[Outcome], OutgoingSession]:
    async with host.running():
        hop = NextHop("127.0.0.1", host.port, TlsMode.NONE, user=user, password="pa55word")
        session = OutgoingSession(hop, "me.example", ssl.create_default_context())
        return await session.deliver(message, people(count), raw), session


async def test_all_recipients_in_one_transaction() -> None:
    host = ScriptedHost()
    outcomes, session = await deliver(host, 3)
    assert [(o.n, o.status, o.dsn, o.reply) for o in outcomes] == [
        (n, "sent", "2.0.0", "250 2.0.0 Ok: queued as H1") for n in range(3)
    ]
    assert [c.split(" ")[0] for c in host.commands] == [
        "EHLO",
        "MAIL",
        *["RCPT"] * 3,
        "DATA",
        "QUIT",
    ]
    assert host.messages == [b"Subject: x\r\n\r\n..dot\r\n.\r\n"]
    assert host.commands[1] == "MAIL FROM:<a@x.example> SIZE=20"
    attempt = session.attempt(5.0, "sent")
    assert attempt.relay == outcomes[0].relay == f"127.0.0.1:{host.port}"
    lines = [line for _, _, line, _ in json.loads(attempt.transcript)]
    assert "(20 octets of message, then the final dot)" in lines
    assert not any("Subject" in line for line in lines)


async def test_each_recipient_has_its_own_reply() -> None:
    host = ScriptedHost(
        {"RCPT TO:<1@y.example>": "550 5.1.1 no", "RCPT TO:<2@y.example>": "450 4.7.1 later"}
    )
    outcomes, _ = await deliver(host, 3)
    assert [(o.status, o.dsn) for o in outcomes] == [
        ("sent", "2.0.0"),
        ("bounced", "5.1.1"),
        ("deferred", "4.7.1"),
    ]
    assert outcomes[1].reply.endswith("said: 550 5.1.1 no (in reply to RCPT TO command)")


@pytest.mark.parametrize(
    ("replies", "status", "dsn"),
    [
        ({"MAIL": "550 5.7.1 no"}, "bounced", "5.7.1"),
        ({"MAIL": "451 4.7.1 later"}, "deferred", "4.7.1"),
        ({"MAIL": "250 4.4.4 odd"}, "sent", "2.0.0"),
        ({"MAIL": "354 odd"}, "deferred", "4.5.0"),
        ({"DATA": "554 5.5.1 no"}, "bounced", "5.5.1"),
        ({"DATA": "250 fine, I have it"}, "deferred", "4.5.0"),
        ({"dot": "552 5.3.4 too big"}, "bounced", "5.3.4"),
        ({"dot": "451 try later"}, "deferred", "4.0.0"),
        ({"dot": "550 4.7.1 contradicts"}, "bounced", "5.0.0"),
        ({"dot": CLOSE}, "deferred", "4.4.2"),
        ({"RCPT": CLOSE}, "deferred", "4.4.2"),
        ({"banner": "554 5.3.2 never"}, "deferred", "4.0.0"),
        ({"QUIT": CLOSE}, "sent", "2.0.0"),
        ({"RCPT": "552 too many"}, "deferred", "4.5.3"),
    ],
)
async def test_outcomes(replies: dict[str, str], status: str, dsn: str) -> None:
    (outcome,), session = await deliver(ScriptedHost(replies))
    assert (outcome.status, outcome.dsn) == (status, dsn)
    assert session.is_open is ("banner" not in replies)


async def test_recipients_that_were_too_many_follow_in_the_same_session() -> None:
    class TwoAtATime(ScriptedHost):
        def _reply(self, word: str, line: str) -> str:
            since = next(i for i in range(1, len(self.commands) + 1) if "MAIL" in self.commands[-i])
            number = sum(c.startswith("RCPT") for c in self.commands[-since:])
            return (
                "452 4.5.3 too many"
                if word == "RCPT" and number > 2
                else super()._reply(word, line)
            )

        async def _session(self, reader, writer):  # type: ignore[no-untyped-def]
            self.commands.append("MAIL before the first one")
            await super()._session(reader, writer)

    host = TwoAtATime()
    outcomes, _ = await deliver(host, 5)
    assert [o.status for o in outcomes] == ["sent"] * 5
    assert (host.sessions, len(host.messages)) == (1, 3)


async def test_more_recipients_than_every_server_must_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_out, "MOST_RECIPIENTS", 2)
    host = ScriptedHost({"RCPT TO:<4@y.example>": "550 5.1.1 no"})
    outcomes, _ = await deliver(host, 5)
    assert [o.status for o in outcomes] == ["sent"] * 4 + ["bounced"]
    assert len(host.messages) == 2


async def test_a_session_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_out, "SESSION_S", 0.2)
    monkeypatch.setattr(smtp_out, "GOODBYE_S", 0.1)
    (outcome,), _ = await deliver(ScriptedHost({"RCPT": "<silence>"}))
    assert (outcome.status, outcome.dsn) == ("deferred", "4.4.2")
    (outcome,), _ = await deliver(ScriptedHost({"QUIT": "<silence>"}))
    assert outcome.status == "sent"


async def test_a_host_without_smtputf8_cannot_take_such_addresses() -> None:
    host = ScriptedHost({"EHLO": "250 host.example"})
    message = replace(MESSAGE, sender="ä@x.example", smtputf8=True)
    (outcome,), _ = await deliver(host, message=message)
    assert (outcome.status, outcome.dsn) == ("bounced", "5.6.7")
    able = ScriptedHost()
    (outcome,), _ = await deliver(able, message=message, raw=RAW + b"\xc3\xa4\r\n")
    assert outcome.status == "sent"
    assert able.commands[1] == "MAIL FROM:<ä@x.example> SIZE=24 BODY=8BITMIME SMTPUTF8"


async def test_the_null_sender() -> None:
    host = ScriptedHost()
    await deliver(host, message=replace(MESSAGE, sender=""))
    assert host.commands[1].startswith("MAIL FROM:<> ")


# Logging in.


@pytest.mark.parametrize(
    ("offer", "commands"),
    [
        ("AUTH PLAIN LOGIN", ["AUTH PLAIN " + base64.b64encode(b"\0ann\0pa55word").decode()]),
        ("AUTH LOGIN", ["AUTH LOGIN", "YW5u", base64.b64encode(b"pa55word").decode()]),
    ],
)
async def test_logging_in(offer: str, commands: list[str]) -> None:
    replies = {"EHLO": f"250-host\r\n250 {offer}", "AUTH LOGIN": "334 user", "YW5u": "334 password"}
    replies |= {commands[-1]: "235 2.7.0 ok"}
    host = ScriptedHost(replies)
    (outcome,), session = await deliver(host, user="ann")
    assert outcome.status == "sent"
    assert host.commands[1 : 1 + len(commands)] == commands
    transcript = session.attempt(0, "").transcript
    assert commands[-1].split()[-1] not in transcript
    assert "<redacted>" in transcript


async def test_a_refused_login_is_tried_again_later() -> None:
    host = ScriptedHost({"AUTH": "535 5.7.8 wrong"})
    (outcome,), _ = await deliver(host, user="ann")
    assert (outcome.status, outcome.dsn) == ("deferred", "4.7.8")
    assert "MAIL" not in str(host.commands)


async def test_no_password_goes_over_a_clear_line_that_should_be_none() -> None:
    host = ScriptedHost()
    async with host.running():
        hop = NextHop("127.0.0.1", host.port, TlsMode.STARTTLS, user="ann", password="pa55word")
        session = OutgoingSession(hop, "me.example", ssl.create_default_context())
        (outcome,) = await session.deliver(MESSAGE, people(1), RAW)
    assert (outcome.status, outcome.dsn) == ("deferred", "4.7.11")
    assert "AUTH" not in str(host.commands)


# Data.

LINES = st.lists(st.sampled_from([b".", b"..", b"a", b"\r\n", b"\n", b"\r", b" "])).map(b"".join)


@given(LINES)
def test_data_comes_back_and_ends_once(raw: bytes) -> None:
    wire = _stuffed(raw) + b".\r\n"
    assert (b"\r\n" + wire).index(b"\r\n.\r\n") == len(wire) - 3
    assert _unstuffed(wire[:-3]) == normal_line_ends(raw)
