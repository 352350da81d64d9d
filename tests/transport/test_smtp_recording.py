"""The private seams of aiosmtplib that the recorder hangs on, and that other users of it are left
alone."""

from __future__ import annotations

import asyncio
import inspect

import aiosmtplib
import aiosmtplib.smtp
import pytest
from aiosmtplib.protocol import SMTPProtocol

from smtpadmin.model.smtp import Reply, TranscriptLine
from smtpadmin.transport.smtp_recording import RecordingProtocol, Wire, wire_in_use
from tests.support.odd_server import odd_server, script


async def connected(port: int, wire: Wire | None) -> aiosmtplib.SMTP:
    token = wire_in_use.set(wire)
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=5)
    try:
        await client.connect()
    finally:
        wire_in_use.reset(token)
    return client


def test_aiosmtplib_still_makes_its_module_global() -> None:
    """A guard: a new version that renames what is replaced must not silently record nothing."""
    assert vars(aiosmtplib.smtp)["SMTPProtocol"] is RecordingProtocol
    assert "SMTPProtocol(" in inspect.getsource(aiosmtplib.SMTP._create_connection)
    source = inspect.getsource(SMTPProtocol.data_received)
    assert "self._read_response_from_buffer()" in source


async def test_the_buffer_is_where_it_was() -> None:
    assert isinstance(SMTPProtocol(asyncio.get_running_loop())._buffer, bytearray)


async def test_both_directions_replies_and_the_connection_are_told() -> None:
    lines: list[TranscriptLine] = []
    replies: list[Reply] = []
    made: list[bool] = []
    wire = Wire(lines.append)
    wire.on_reply = replies.append
    wire.on_made = lambda: made.append(True)
    async with odd_server(script(b"220 mx\r\n", b"250-mx\r\n250 SIZE 9\r\n", hang=True)) as port:
        client = await connected(port, wire)
        await client.ehlo(hostname="me.example")
        client.close()
    assert made == [True]
    assert replies == [Reply(220, "mx"), Reply(250, "mx\nSIZE 9")]
    assert [(line.direction, line.line) for line in lines] == [
        ("<", "220 mx"), (">", "EHLO me.example"), ("<", "250-mx"), ("<", "250 SIZE 9"),
    ]  # fmt: skip
    assert [line.t_ms for line in lines] == sorted(line.t_ms for line in lines)
    assert client.esmtp_extensions == {}, "closed"


async def test_what_answers_nothing_is_thrown_away_and_noted() -> None:
    lines: list[TranscriptLine] = []
    talk = script(b"220 mx\r\n", b"250 first\r\n250 second\r\n", b"250 third\r\n", hang=True)
    async with odd_server(talk) as port:
        client = await connected(port, Wire(lines.append))
        answers = [await client.execute_command(b"NOOP") for _ in range(2)]
        client.close()
    assert [answer.message for answer in answers] == ["first", "third"]
    assert "(12 octets that answer nothing were thrown away)" in [line.line for line in lines]


async def test_other_users_of_aiosmtplib_get_what_they_always_got() -> None:
    """Lenient as it is: a bare line feed is read, and nothing is recorded."""
    async with odd_server(script(b"220 mx\n", b"250 ok\n", hang=True)) as port:
        client = await connected(port, None)
        assert (await client.execute_command(b"NOOP")).code == 250
        client.close()


@pytest.mark.parametrize("secret", ["", "hunter22"])
def test_a_wire_counts_milliseconds_and_redacts(secret: str) -> None:
    lines: list[TranscriptLine] = []
    wire = Wire(lines.append, [secret] if secret else [])
    wire.recorder.received(wire.now(), b"535 hunter22\r\n")
    wire.note("closed")
    assert lines[0].line == ("535 <redacted>" if secret else "535 hunter22")
    assert 0 <= lines[0].t_ms <= lines[1].t_ms < 60_000
