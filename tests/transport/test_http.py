"""HTTP to an admin API: errors in our types, streams that break off, bodies that are too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest
from aiohttp import BaseConnector, web

from smtpadmin.model.errors import (
    LoginError,
    NotPermittedError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    UnreachableError,
    UsageError,
)
from smtpadmin.transport import http
from smtpadmin.transport.http import HttpTransport
from tests.support.odd_server import odd_server, script


@asynccontextmanager
async def served(handler: object) -> AsyncIterator[HttpTransport]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    transport = HttpTransport(f"http://127.0.0.1:{runner.addresses[0][1]}", "the-token")
    try:
        yield transport
    finally:
        await transport.close()
        await runner.cleanup()


async def test_the_token_and_the_query_arrive() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer the-token"
        return web.json_response({"to": request.query["to"]})

    async with served(handler) as transport:
        assert await transport.get("/x", {"to": "a+b@c.example"}) == b'{"to": "a+b@c.example"}'


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, LoginError),
        (403, NotPermittedError),
        (404, ServerRefusedError),
        (422, UsageError),
        (500, ServerRefusedError),
        (302, ProtocolError),
    ],
)
async def test_failures_have_our_types_and_the_servers_words(
    status: int, kind: type[SmtpadminError]
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(
            {"error": {"what": "gone", "where": "Q1", "remedy": "Look."}}, status=status
        )

    async with served(handler) as transport:
        with pytest.raises(kind, match="gone") as caught:
            await transport.get("/x")
    assert caught.value.remedy == "Look."


async def test_an_answer_without_our_error_object_is_told_by_its_status() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=404, text="<html>not here</html>")

    async with served(handler) as transport:
        with pytest.raises(ServerRefusedError, match="HTTP 404"):
            await transport.get("/x")


async def test_lines_come_in_batches_without_heartbeats() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"a":1}\n\n{"b"')
        await response.write(b":2}\n")
        return response

    async with served(handler) as transport:
        lines = [line async for batch in transport.lines("/x") for line in batch]
    assert lines == [b'{"a":1}', b'{"b":2}']


async def test_a_stream_that_breaks_off_in_a_line_says_so() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b'{"a":1}\n{"b"')

    async with served(handler) as transport:
        with pytest.raises(ProtocolError, match="broke off"):
            [batch async for batch in transport.lines("/x")]


async def test_a_body_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_BODY", 1_000)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 5_000)

    async with served(handler) as transport:
        with pytest.raises(ProtocolError, match="too long"):
            await transport.get("/x")


async def test_a_closed_port_and_a_server_that_is_no_http_server() -> None:
    transport = HttpTransport("http://127.0.0.1:9", "t")
    with pytest.raises(UnreachableError, match=r"cannot connect \(Connection refused\)"):
        await transport.get("/x")
    await transport.close()
    async with odd_server(script(b"220 mx ESMTP\r\n")) as port:
        transport = HttpTransport(f"http://127.0.0.1:{port}", "t")
        with pytest.raises(UnreachableError):
            await transport.get("/x")
        await transport.close()


async def test_a_request_while_the_connection_is_given_up_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closing, go_on = asyncio.Event(), asyncio.Event()
    close = BaseConnector.close

    def close_slowly(self: BaseConnector, **options: bool) -> Awaitable[None]:
        waiting = close(self, **options)

        async def wait() -> None:
            closing.set()
            await go_on.wait()
            await waiting

        return wait()

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="here")

    async with served(handler) as transport:
        assert await transport.get("/x") == b"here"
        monkeypatch.setattr(BaseConnector, "close", close_slowly)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(transport.close())
            await closing.wait()
            try:
                with pytest.raises(UnreachableError):
                    await transport.get("/x")
            finally:
                go_on.set()
        assert await transport.get("/x") == b"here"
