"""The dialogue, octet by octet, against a running server."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from smtpadmin.builtin.config import Limits
from smtpadmin.builtin.passwords import make_record
from smtpadmin.builtin.server import MailServer
from smtpadmin.settings.server_tls import ca_path
from tests.support.builtin_server import ANY, events, eventually, mailbox, running

HEAD = b"Subject: x\r\n\r\n"


@dataclass
class Wire:
    """A client that sends octets."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def reply(self) -> str:
        lines = []
        async with asyncio.timeout(5):
            while True:
                line = (await self.reader.readline()).decode()
                lines.append(line.rstrip("\r\n"))
                if line[3:4] != "-":
                    return "\n".join(lines)

    async def say(self, octets: bytes) -> str:
        self.writer.write(octets + b"\r\n")
        return await self.reply()

    async def trickle(self, octets: bytes) -> str:
        """Send these every 50 ms until the server says something."""
        over = asyncio.Event()

        async def listen() -> str:
            try:
                return await self.reply()
            finally:
                over.set()

        async def talk() -> None:
            while not over.is_set():
                self.writer.write(octets)
                await asyncio.sleep(0.05)

        reply, _ = await asyncio.gather(listen(), talk())
        return reply

    async def begin(self, *recipients: str) -> None:
        await self.say(b"EHLO client.example")
        assert (await self.say(b"MAIL FROM:<a@x.example>")).startswith("250 2.1.0")
        for recipient in recipients or ("b@local.example",):
            assert await self.say(f"RCPT TO:<{recipient}>".encode()) == "250 2.1.5 Ok"
        assert (await self.say(b"DATA")).startswith("354 ")


@asynccontextmanager
async def wire(server: MailServer) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection(*server.smtp)
    client = Wire(reader, writer)
    assert (await client.reply()).startswith("220 mx.local.example ESMTP")
    try:
        yield client
    finally:
        writer.close()


async def delivered(server: MailServer, octets: bytes) -> bytes:
    """What lies in the mailbox after these octets (with their end) followed DATA."""
    async with wire(server) as client:
        await client.begin()
        assert (await client.say(octets)).startswith("250 2.0.0 Ok: queued as ")
    await eventually(server, lambda queue: not queue)
    (raw,) = mailbox(server, "b")
    return raw.partition(b"Subject: x\n\n")[2]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"one\r\n.", b"one\n"),
        (b"..one\r\n...\r\n.", b".one\n..\n"),
        (b"a\nb\r\n.", b"a\nb\n"),
        (b"a\rb\r\n.", b"a\nb\n"),
        (b"a\n.\r\nb\r\n.", b"a\n\nb\n"),
        (b"a\n.\nb\r\n.", b"a\n\nb\n"),
        (b"a\r.\rb\r\n.", b"a\n\nb\n"),
        (b"a\r\n.\rb\r\n.", b"a\n\nb\n"),
        (b"." + b"x" * 200_000 + b"\r\n.", b"x" * 200_000 + b"\n"),
    ],
)
async def test_message_data_ends_at_crlf_dot_crlf_alone(
    tmp_path: Path, sent: bytes, kept: bytes
) -> None:
    async with running(tmp_path) as server:
        assert await delivered(server, HEAD + sent) == kept


async def test_no_second_message_is_smuggled(tmp_path: Path) -> None:
    inner = b"\n.\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<c@local.example>\r\nDATA\r\nevil\r\n."
    async with running(tmp_path) as server:
        body = await delivered(server, HEAD + b"text" + inner)
        assert b"MAIL FROM:<evil@x.example>" in body
        assert mailbox(server, "c") == []
        assert len(events(server, "queued")) == 1


async def test_an_empty_message_is_taken(tmp_path: Path) -> None:
    async with running(tmp_path) as server, wire(server) as client:
        await client.begin()
        assert (await client.say(b".")).startswith("250 ")


async def test_pipelined_commands_are_answered_in_order(tmp_path: Path) -> None:
    async with running(tmp_path) as server, wire(server) as client:
        await client.say(b"EHLO client.example")
        client.writer.write(
            b"MAIL FROM:<>\r\nRCPT TO:<b@local.example>\r\nDATA\r\n"
            + HEAD
            + b"x\r\n.\r\nMAIL FROM:<c@x.example>\r\nQUIT\r\n"
        )
        codes = [(await client.reply())[:9] for _ in range(6)]
        assert codes == [
            "250 2.1.0",
            "250 2.1.5",
            "354 End d",
            "250 2.0.0",
            "250 2.1.0",
            "221 2.0.0",
        ]


async def test_the_null_sender_is_the_empty_one(tmp_path: Path) -> None:
    async with running(tmp_path) as server, wire(server) as client:
        await client.say(b"EHLO client.example")
        assert await client.say(b"MAIL FROM:<> SIZE=10 BODY=8BITMIME") == "250 2.1.0 Ok"
        await client.say(b"RCPT TO:<b@local.example>")
        await client.say(b"DATA")
        await client.say(HEAD + b".")
        (queued,) = events(server, "queued")
        assert queued["from"] == ""


async def test_capabilities(tmp_path: Path) -> None:
    async with running(tmp_path) as server, wire(server) as client:
        lines = (await client.say(b"EHLO client.example")).split("\n")
        names = {line[4:] for line in lines[1:]}
        assert names == {
            "SIZE 26214400",
            "8BITMIME",
            "SMTPUTF8",
            "STARTTLS",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
            "HELP",
        }
        assert await client.say(b"HELO client.example") == "250 mx.local.example"


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"FOO", "500 5.5.2"),
        (b"\xff\xfe", "500 5.5.2"),
        (b"MAIL FROM:<" + b"a" * 2000 + b"@x.example>", "500 5.5.2"),
        (b"x" * 200_000, "500 5.5.2"),
        (b"MAIL FROM:<a b@x.example>", "553 5.1.3"),
        (b"MAIL FROM:<a@x\x00.example>", "501 5.1.7"),
        (b"MAIL FROM:<a@x.example> FOO=BAR", "555 5.5.4"),
        (b"MAIL FROM:<a@x.example> SIZE=99999999999", "552 5.3.4"),
        (b"MAIL FROM:<\xc3\xa4@x.example>", "553 5.6.7"),
        (b"MAIL FROM:<\xff@x.example> SMTPUTF8", "501 5.1.7"),
        (b"MAIL FROM:<\xc3\xa4@x.example> SMTPUTF8", "250 2.1.0"),
        (b'MAIL FROM:<"a b"@x.example>', "250 2.1.0"),
        (b"MAIL FROM:<@relay.example:a@x.example>", "250 2.1.0"),
        (b"RCPT TO:<b@local.example>", "503 5.5.1"),
        (b"DATA", "503 5.5.1"),
        (b"VRFY b@local.example", "252 2.0.0"),
        (b"RSET", "250 2.0.0"),
        (b"AUTH PLAIN AGEAYg==", "538 5.7.11"),
    ],
)
async def test_replies_carry_enhanced_codes(tmp_path: Path, command: bytes, reply: str) -> None:
    async with running(tmp_path) as server, wire(server) as client:
        await client.say(b"EHLO client.example")
        assert (await client.say(command)).startswith(f"{reply} ")
        assert (await client.say(b"NOOP")).startswith("250 2.0.0")
        assert events(server, "error") == []


async def test_a_message_over_the_limit_is_refused_and_the_session_goes_on(tmp_path: Path) -> None:
    limits = Limits(message_size=1000, free_space=0)
    async with running(tmp_path, limits=limits) as server, wire(server) as client:
        await client.begin()
        assert (await client.say(b"x" * 300_000 + b"\r\n.")).startswith("552 5.3.4")
        await client.begin()
        exact = HEAD + b"x" * (1000 - len(HEAD) - 2)
        assert (await client.say(exact + b"\r\n.")).startswith("250 2.0.0")


async def test_a_silent_client_is_told_and_sent_away(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(idle_s=0.1)) as server, wire(server) as client:
        assert (await client.reply()).startswith("421 4.4.2")
        assert await client.reader.read() == b""


async def test_a_client_that_trickles_a_command_is_sent_away(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(idle_s=0.2)) as server, wire(server) as client:
        assert (await client.trickle(b"x")).startswith("421 4.4.2")


async def test_slow_data_is_taken_while_it_flows_and_not_for_ever(tmp_path: Path) -> None:
    limits = Limits(idle_s=0.2, data_s=0.6, free_space=0)
    async with running(tmp_path, limits=limits) as server, wire(server) as client:
        await client.begin()
        for _ in range(6):
            client.writer.write(b"line\r\n")
            await asyncio.sleep(0.05)
        assert (await client.say(b".")).startswith("250 ")
        await client.begin()
        assert (await client.trickle(b"line\r\n")).startswith("421 4.4.2")


async def test_a_client_that_vanishes_in_mid_data_leaves_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        async with wire(server) as client:
            await client.begin()
            client.writer.write(HEAD + b"half")
        async with asyncio.timeout(5):
            while not events(server, "disconnect"):
                await asyncio.sleep(0.01)
        assert events(server, "queued") == []
        assert events(server, "error") == []


# TLS and authentication.


def client_tls(server: MailServer) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca_path(server.config.data / "tls")))
    context.check_hostname = False
    return context


def plain(user: str, password: str) -> bytes:
    return base64.b64encode(f"\0{user}\0{password}".encode())


@pytest.fixture(scope="module")
def record() -> str:
    return make_record("right")


async def secure(server: MailServer, client: Wire) -> None:
    await client.say(b"EHLO client.example")
    assert (await client.say(b"STARTTLS")).startswith("220 ")
    await client.writer.start_tls(client_tls(server), server_hostname="mx.local.example")


async def test_starttls_forgets_what_came_before(tmp_path: Path) -> None:
    async with running(tmp_path) as server, wire(server) as client:
        await secure(server, client)
        assert (await client.say(b"MAIL FROM:<a@x.example>")).startswith("503 5.5.1")
        lines = (await client.say(b"EHLO client.example")).split("\n")
        assert "250-STARTTLS" not in lines
        (tls,) = events(server, "tls")
        assert tls["protocol"].startswith("TLSv1.")


@pytest.mark.parametrize("mechanism", ["PLAIN", "PLAIN in two steps", "LOGIN"])
async def test_authentication(tmp_path: Path, record: str, mechanism: str) -> None:
    async with running(tmp_path, users={"ann": record}, relay_networks=()) as server:
        async with wire(server) as client:
            await secure(server, client)
            assert "AUTH LOGIN PLAIN" in await client.say(b"EHLO client.example")
            if mechanism == "PLAIN":
                reply = await client.say(b"AUTH PLAIN " + plain("ann", "right"))
            elif mechanism == "LOGIN":
                assert (await client.say(b"AUTH LOGIN")).startswith("334 ")
                assert (await client.say(base64.b64encode(b"ann"))).startswith("334 ")
                reply = await client.say(base64.b64encode(b"right"))
            else:
                assert (await client.say(b"AUTH PLAIN")).startswith("334")
                reply = await client.say(plain("ann", "right"))
            assert reply.startswith("235 2.7.0")
            await client.say(b"MAIL FROM:<ann@local.example>")
            assert (await client.say(b"RCPT TO:<x@far.example>")).startswith("250 2.1.5")
        assert [event["success"] for event in events(server, "auth")] == [True]


async def test_wrong_passwords_end_the_session(tmp_path: Path, record: str) -> None:
    limits = Limits(login_failures=3)
    async with running(tmp_path, users={"ann": record}, limits=limits) as server:
        async with wire(server) as client:
            await secure(server, client)
            await client.say(b"EHLO client.example")
            for login in ("ann", "nobody"):
                assert (await client.say(b"AUTH PLAIN " + plain(login, "x"))).startswith(
                    "535 5.7.8"
                )
            assert (await client.say(b"AUTH PLAIN " + plain("ann", "y"))).startswith("421 4.7.0")
        assert "right" not in server.config.log_path.read_text()


async def test_a_login_is_known_again_without_scrypt(
    tmp_path: Path, record: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, users={"ann": record}, auth_without_tls=True) as server:
        async with wire(server) as client:
            await client.say(b"EHLO client.example")
            assert (await client.say(b"AUTH PLAIN " + plain("ann", "right"))).startswith("235")

        def never(record: str, password: str) -> bool:
            raise AssertionError("asked again")

        monkeypatch.setattr("smtpadmin.builtin.passwords.verify", never)
        async with wire(server) as client:
            await client.say(b"EHLO client.example")
            assert (await client.say(b"AUTH PLAIN " + plain("ann", "right"))).startswith("235")


async def test_implicit_tls(tmp_path: Path, record: str) -> None:
    async with running(tmp_path, submission=ANY, users={"ann": record}) as server:
        assert server.submission is not None
        reader, writer = await asyncio.open_connection(
            *server.submission, ssl=client_tls(server), server_hostname="mx.local.example"
        )
        client = Wire(reader, writer)
        await client.reply()
        capabilities = await client.say(b"EHLO client.example")
        assert "AUTH LOGIN PLAIN" in capabilities
        assert "STARTTLS" not in capabilities
        await client.say(b"MAIL FROM:<a@x.example>")
        await client.say(b"RCPT TO:<b@local.example>")
        await client.say(b"DATA")
        assert (await client.say(HEAD + b".")).startswith("250 ")
        writer.close()
        await eventually(server, lambda queue: not queue)
        assert b"with ESMTPS id" in mailbox(server, "b")[0]


async def test_a_client_that_speaks_no_tls_after_starttls_is_dropped(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        async with wire(server) as client:
            await client.say(b"EHLO client.example")
            await client.say(b"STARTTLS")
            client.writer.write(b"MAIL FROM:<a@x.example>\r\n")
            async with asyncio.timeout(5):
                await client.reader.read()
        async with wire(server) as client:
            assert (await client.say(b"NOOP")).startswith("250")
        assert len(events(server, "disconnect")) == len(events(server, "connect")) - 1
