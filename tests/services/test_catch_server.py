"""The server as one object: signals, files, what stays behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from smtpadmin.model.catch import CaughtMessage, CaughtSession
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.services.catch_server import CatchConfig, CatchServer
from smtpadmin.services.catch_store import StoreLimits
from tests.support.catch import catching, program, trusting, wire
from tests.support.waiting import until


class Listener:
    """Keeps what the signals tell."""

    def __init__(self, server: CatchServer) -> None:
        self.messages: list[CaughtMessage] = []
        self.sessions: list[CaughtSession] = []
        self.lines: list[tuple[str, TranscriptLine]] = []
        self.dropped: list[str] = []
        server.caught.connect(self.on_message)
        server.session_ended.connect(self.on_session)
        server.line.connect(self.on_line)
        server.dropped.connect(self.on_dropped)

    def on_message(self, message: CaughtMessage) -> None:
        self.messages.append(message)

    def on_session(self, session: CaughtSession) -> None:
        self.sessions.append(session)

    def on_line(self, session_id: str, line: TranscriptLine) -> None:
        self.lines.append((session_id, line))

    def on_dropped(self, ids: tuple[str, ...]) -> None:
        self.dropped.extend(ids)


async def send(server: CatchServer, body: bytes = b"x") -> None:
    async with wire(server) as client:
        await client.begin()
        assert (await client.say(body + b"\r\n."))[:3] == "250"
        await client.say(b"QUIT")


async def test_signals_tell_lines_as_they_come_then_message_then_session() -> None:
    async with catching() as server:
        listener = Listener(server)
        async with wire(server) as client:
            await client.say(b"EHLO c")
            assert any(line.line == "EHLO c" for _, line in listener.lines)
            await client.say(b"MAIL FROM:<a@x>")
            await client.say(b"RCPT TO:<b@y>")
            await client.say(b"DATA")
            await client.say(b"hello\r\n.")
            assert len(listener.messages) == 1
            assert listener.sessions == []
        await until(lambda: listener.sessions)
    (session,) = listener.sessions
    told = [line for session_id, line in listener.lines if session_id == session.session_id]
    assert session.transcript[-len(told) :] == tuple(told)
    assert server.store.session_of(listener.messages[0]) == session


async def test_the_oldest_message_makes_room_and_that_is_told() -> None:
    async with catching(store=StoreLimits(messages=2)) as server:
        listener = Listener(server)
        for _ in range(3):
            await send(server)
    assert listener.dropped == [listener.messages[0].message_id]


async def test_a_folder_gets_each_message_and_session(tmp_path: Path) -> None:
    folder = tmp_path / "caught"
    async with catching(save=folder) as server:
        await send(server, b"Subject: x\r\n\r\n..stuffed")
        await until(server.store.sessions)
    (eml,) = folder.glob("*.eml")
    assert eml.read_bytes() == b"Subject: x\r\n\r\n.stuffed\r\n"
    assert len(list(folder.glob("*.json"))) == 2


@pytest.mark.expects_log
async def test_a_folder_that_cannot_be_written_loses_the_file_and_no_mail(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    async with catching(save=blocked / "folder") as server:
        await send(server)
    assert len(server.store) == 1


async def test_certificates_without_a_folder_leave_nothing_behind() -> None:
    async with catching() as server:
        ca_file = server.ca_file
        assert ca_file.exists()
    assert not ca_file.parent.exists()


async def test_certificates_in_a_folder_stay(tmp_path: Path) -> None:
    async with catching(tls_folder=tmp_path) as server:
        first = server.ca_file.read_bytes()
    async with catching(tls_folder=tmp_path) as server:
        assert server.ca_file.read_bytes() == first


async def test_without_starttls_and_without_a_second_port() -> None:
    config = CatchConfig(listen=("127.0.0.1", 0), tls=TlsMode.NONE)
    async with CatchServer(config).running() as server, wire(server) as client:
        assert server.implicit_address is None
        assert "STARTTLS" not in await client.say(b"EHLO c")


@pytest.mark.expects_log
async def test_a_bug_in_a_receiver_does_not_harm_the_session() -> None:
    def broken(message: CaughtMessage) -> None:
        raise RuntimeError("a bug of a receiver")

    async with catching() as server:
        server.caught.connect(broken)
        await send(server)
    assert len(server.store) == 1


async def test_many_messages_over_many_connections_at_once() -> None:
    async with catching() as server:
        await asyncio.gather(*(send(server, b"n%d" % n) for n in range(100)))
        await until(lambda: len(server.store.sessions()) == 100)
    assert sorted(message.raw for message in server.store) == sorted(
        b"n%d\r\n" % n for n in range(100)
    )


async def test_waiting_for_clients_ends_when_they_go_and_after_the_time() -> None:
    loop = asyncio.get_running_loop()
    async with catching() as server, wire(server) as client:
        began = loop.time()
        await server.wait_for_clients(0.1)
        assert 0.09 < loop.time() - began < 2
        assert server.clients == 1
        client.writer.write(b"QUIT\r\n")
        await server.wait_for_clients(5)
        assert server.clients == 0


@pytest.mark.gui
async def test_on_the_windows_own_event_loop_with_tls() -> None:
    async with catching('rcpt recipient=no@* reply="550 5.1.1 no"') as server:
        await send(server)
        async with wire(server) as client:
            await client.say(b"EHLO c")
            assert (await client.say(b"STARTTLS"))[:3] == "220"
            await client.writer.start_tls(trusting(server), server_hostname="localhost")
            await client.say(b"EHLO c")
            await client.say(b"MAIL FROM:<a@x>")
            assert (await client.say(b"RCPT TO:<no@y>"))[:3] == "550"
            await client.say(b"QUIT")
        await until(lambda: len(server.store.sessions()) == 2)
    assert server.store.sessions()[-1].tls is not None


async def test_postfix_smtp_source_delivers_everything() -> None:
    source = program("smtp-source")
    async with catching() as server:
        assert server.address is not None
        host, port = server.address
        for extra in (("-d",), ()):
            process = await asyncio.create_subprocess_exec(
                *(str(source), "-s", "10", "-m", "100", "-l", "5000", "-r", "3", *extra),
                *("-f", "a@x.example", "-t", "b@y.example", f"{host}:{port}"),
            )
            assert await asyncio.wait_for(process.wait(), 30) == 0
        messages = list(server.store)
    assert len(messages) == 200
    assert {len(message.recipients) for message in messages} == {3}
