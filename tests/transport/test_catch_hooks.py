"""What is taken into an envelope."""

from __future__ import annotations

import pytest
from aiosmtpd.smtp import Envelope

from smtpadmin.transport.catch_hooks import MOST_RECIPIENTS, sender_of
from tests.support.catch import catching, wire


@pytest.mark.parametrize(("path", "sender"), [(None, ""), ("<>", ""), ("a@x", "a@x")])
def test_the_sender(path: str | None, sender: str) -> None:
    envelope = Envelope()
    envelope.mail_from = path
    assert sender_of(envelope) == sender


async def test_too_many_recipients() -> None:
    async with catching() as server, wire(server) as client:
        await client.say(b"EHLO c")
        await client.say(b"MAIL FROM:<a@x>")
        client.writer.write(b"RCPT TO:<b@y>\r\n" * (MOST_RECIPIENTS + 1))
        answers = [(await client.reply())[:3] for _ in range(MOST_RECIPIENTS + 1)]
    assert answers == ["250"] * MOST_RECIPIENTS + ["452"]


async def test_options_stay_with_the_message_and_a_refused_sender_does_not() -> None:
    async with catching("mail sender=no@x") as server, wire(server) as client:
        await client.say(b"EHLO c")
        assert (await client.say(b"MAIL FROM:<no@x>"))[:3] == "451"
        assert (await client.say(b"RCPT TO:<b@y>"))[:3] == "503"
        await client.say(b"MAIL FROM:<a@x> BODY=8BITMIME")
        await client.say(b"RCPT TO:<b@y>")
        await client.say(b"DATA")
        await client.say(b".")
        (message,) = server.store
    assert (message.raw, message.mail_options) == (b"", ("BODY=8BITMIME",))
