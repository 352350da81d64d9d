"""One connection of a load test, against servers that are right, wrong and slow."""

from __future__ import annotations

import asyncio
import ssl
import time

import pytest

from smtpadmin.formats.load_script import script_of
from smtpadmin.model.errors import (
    ServerRefusedError,
    SmtpadminError,
    UnreachableError,
    UntrustedError,
)
from smtpadmin.model.load import LoadPlan, LoadTarget
from smtpadmin.model.profile import TlsMode
from smtpadmin.services.catch_server import CatchServer
from smtpadmin.transport.load_connect import open_connection
from smtpadmin.transport.load_smtp import LoadConnection
from smtpadmin.transport.tls import client_context, fingerprint_of
from tests.support.catch import catching, transcript, trusting
from tests.support.odd_server import Talk, odd_server, script
from tests.support.waiting import until

END = "-----END CERTIFICATE-----\n"


class Count:
    """Counts what a connection tells."""

    def __init__(self, plan: LoadPlan) -> None:
        self.plan = plan
        self.left = plan.messages
        self.taken = 0
        self.failures: list[tuple[str, str]] = []
        self.refused: list[str] = []

    def next_message(self) -> tuple[int, float]:
        self.left -= 1
        return (self.plan.messages - self.left, 0.0) if self.left >= 0 else (-1, 0.0)

    def accepted(self, seconds: float, octets: int) -> None:
        assert seconds >= 0
        self.taken += 1

    def failed(self, stage: str, reply: str) -> None:
        self.failures.append((stage, reply))

    def recipient_refused(self, reply: str) -> None:
        self.refused.append(reply)


async def send(
    plan: LoadPlan, port: int, *, tls: TlsMode = TlsMode.NONE, server: CatchServer | None = None, user: str = ""
) -> Count:  # fmt: skip
    count = Count(plan)
    target = LoadTarget("localhost", ("127.0.0.1",), port, tls, user)
    context = trusting(server) if server is not None else None
    connection = await open_connection(count, script_of(plan), target, context)
    try:
        async with asyncio.timeout(20):
            await connection.prepare(target, "load-secret", context)
            await connection.send_all()
    finally:
        connection.abort()
    return count


@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("size", [1, 200, 5_000, 1_000_000])
async def test_messages_arrive_whole(pipelining: bool, size: int) -> None:
    plan = LoadPlan(
        messages=3, recipients=2, size=size, pipelining=pipelining, recipient="u%d@y.example"
    )
    async with catching() as server:
        assert server.address is not None
        count = await send(plan, server.address[1])
        messages = list(server.store)
        await until(server.store.sessions)
    assert (count.taken, count.failures) == (3, [])
    assert {message.recipients for message in messages} == {("u1@y.example", "u2@y.example")}
    assert len({message.header_message_id for message in messages}) == 3
    assert all(abs(len(message.raw) - size) < 160 for message in messages)
    assert all(message.bare_lf == 0 for message in messages)
    assert transcript(server).splitlines()[-3].startswith("> QUIT")


@pytest.mark.parametrize("tls", [TlsMode.STARTTLS, TlsMode.IMPLICIT])
async def test_over_tls_with_login(tls: TlsMode) -> None:
    async with catching() as server:
        address = server.implicit_address if tls is TlsMode.IMPLICIT else server.address
        assert address is not None
        count = await send(LoadPlan(messages=2), address[1], tls=tls, server=server, user="anna")
        messages = list(server.store)
        await until(server.store.sessions)
    assert count.taken == 2
    assert {message.protocol for message in messages} == {"ESMTPSA"}
    assert "load-secret" not in transcript(server)


@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("at", ["mail", "rcpt", "data", "dot"])
async def test_a_refusal_is_counted_and_the_next_message_goes_on(at: str, pipelining: bool) -> None:
    async with catching(f'{at} reply="450 4.7.1 later" times=1') as server:
        assert server.address is not None
        count = await send(LoadPlan(messages=3, pipelining=pipelining), server.address[1])
    assert count.taken == 2
    ((stage, reply),) = count.failures
    # Refused MAIL, sent together with RCPT and DATA, is found at the end of the three.
    assert stage == at or (pipelining and at in ("mail", "data") and stage == "rcpt")
    # The reply is told once: as that of the recipient, or as that of the message.
    assert [reply, *count.refused].count("450 4.7.1 later") == 1
    assert (count.refused == ["450 4.7.1 later"]) == (at == "rcpt")


async def test_one_recipient_of_two_is_refused_and_the_message_goes() -> None:
    async with catching('rcpt recipient=u2@* reply="550 5.1.1 no"') as server:
        assert server.address is not None
        plan = LoadPlan(messages=1, recipients=2, recipient="u%d@y.example")
        count = await send(plan, server.address[1])
    assert (count.taken, count.failures, count.refused) == (1, [], ["550 5.1.1 no"])


@pytest.mark.parametrize("at", ["mail", "rcpt", "data", "dot"])
async def test_a_dropped_connection_is_counted_once(at: str) -> None:
    async with catching(f"{at} drop") as server:
        assert server.address is not None
        count = await send(LoadPlan(messages=3), server.address[1])
    assert (count.taken, count.failures) == (0, [(at, "the connection was lost")])


async def test_421_ends_the_connection() -> None:
    async with catching('mail reply="421 4.3.2 busy"') as server:
        assert server.address is not None
        count = await send(LoadPlan(messages=3), server.address[1])
    assert count.failures == [("mail", "421 4.3.2 busy")]


async def test_so_many_messages_for_each_connection() -> None:
    async with catching() as server:
        assert server.address is not None
        count = await send(LoadPlan(messages=9, per_connection=4), server.address[1])
    assert count.taken == 4


@pytest.mark.parametrize("tls", [TlsMode.STARTTLS, TlsMode.IMPLICIT])
async def test_a_fingerprint_is_compared(tls: TlsMode) -> None:
    async with catching() as server:
        address = server.implicit_address if tls is TlsMode.IMPLICIT else server.address
        assert address is not None
        chain = (server.ca_file.parent / "server.pem").read_text()
        right = fingerprint_of(ssl.PEM_cert_to_DER_cert(chain[: chain.index(END) + len(END)]))
        for fingerprint, fits in ((right, True), ("0" * 64, False)):
            target = LoadTarget(
                "localhost", (address[0],), address[1], tls, fingerprint=fingerprint
            )
            context = client_context(fingerprint=fingerprint)
            count = Count(LoadPlan(messages=1))
            connection = await open_connection(count, script_of(count.plan), target, context)
            try:
                await connection.prepare(target, "", context)
            except UntrustedError:
                assert not fits
            else:
                assert fits
            finally:
                connection.abort()


EHLO = (b"220 x\r\n", b"250 x\r\n")


@pytest.mark.parametrize(
    ("talk", "error"),
    [
        (script(b""), UnreachableError),
        (script(b"421 busy\r\n"), ServerRefusedError),
        (script(b"hello\r\n"), ServerRefusedError),
        (script(b"220 x\r\n", b"502 no\r\n"), ServerRefusedError),
        (script(b"", hang=True), UnreachableError),
        (script(b"220-" + b"x" * 200_000), UnreachableError),
        (script(b"220-x\r\n" * 100_000), UnreachableError),
        (script(b"220 x\r\n220 y\r\n", b"250 x\r\n", hang=True), SmtpadminError),
    ],
)
async def test_a_server_that_does_not_get_as_far_as_a_message(
    talk: Talk, error: type[SmtpadminError]
) -> None:
    async with odd_server(talk) as port:
        started = time.monotonic()
        with pytest.raises(error):
            await send(LoadPlan(messages=1, answer_s=0.5), port)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "answers",
    [
        (b"250 ok\r\n250 again\r\n",),
        (b"\0\0\0\r\n", b"250\r\n"),
        (b"250-x\r\n250 ok\r\n", b"2"),
        (b"\xff" * 100_000,),
    ],
)
async def test_a_server_that_goes_astray_within_a_message(answers: tuple[bytes, ...]) -> None:
    async with odd_server(script(*EHLO, *answers)) as port:
        count = await send(LoadPlan(messages=1), port)
    assert (count.taken, len(count.failures)) == (0, 1)


async def test_silence_within_a_message_is_noticed() -> None:
    async with odd_server(script(*EHLO, hang=True)) as port:
        plan = LoadPlan(messages=1, answer_s=0.2)
        count = Count(plan)
        target = LoadTarget("localhost", ("127.0.0.1",), port)
        connection: LoadConnection = await open_connection(
            count, script_of(count.plan), target, None
        )
        await connection.prepare(target, "", None)
        loop = asyncio.get_running_loop()
        loop.call_later(0.4, lambda: connection.check_answer(loop.time()))
        async with asyncio.timeout(5):
            await connection.send_all()
    assert count.failures == [("mail", "no answer within 0.2 s")]
