"""Bodies and parameters are read strictly; lines are streamed in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from smtpadmin.builtin import admin_http
from smtpadmin.builtin.admin_http import number_parameter, read_body, stream_lines, time_parameter
from smtpadmin.model.errors import UsageError


def request(query: str) -> web.Request:
    return make_mocked_request("GET", f"/?{query}")


def test_a_time_needs_an_offset() -> None:
    assert time_parameter(request(""), "since") is None
    found = time_parameter(request("since=2026-03-01T12:00:00%2B01:00"), "since")
    assert found == datetime.fromisoformat("2026-03-01T12:00:00+01:00")
    assert time_parameter(request("since=2026-03-01T11:00:00Z"), "since") == found
    for bad in ("2026-03-01T12:00:00", "yesterday"):
        with pytest.raises(UsageError, match="since"):
            time_parameter(request(f"since={bad}"), "since")


def test_a_number_is_whole_and_from_one() -> None:
    assert number_parameter(request(""), "limit") is None
    assert number_parameter(request("limit=20"), "limit") == 20
    for bad in ("0", "-1", "1.5", "x", "9" * 10, "%D9%A3"):
        with pytest.raises(UsageError, match="limit"):
            number_parameter(request(f"limit={bad}"), "limit")


class Body(msgspec.Struct, forbid_unknown_fields=True):
    number: int


@pytest.mark.parametrize("octets", [b"", b"{", b'{"number":"x"}', b'{"number":1,"x":2}', b'"\xff"'])
async def test_a_body_that_does_not_fit_says_why(octets: bytes) -> None:
    async def handle(request: web.Request) -> web.Response:
        with pytest.raises(UsageError, match="the body does not fit"):
            await read_body(request, Body)
        return web.Response()

    assert (await ask(handle, data=octets))[0] == 200


async def test_lines_come_in_blocks_and_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_http, "LINES_A_BLOCK", 2)

    def lines() -> Iterator[bytes]:
        yield from (b"a", b"b", b"c", b"d")

    async def handle(request: web.Request) -> web.StreamResponse:
        return await stream_lines(request, lines())

    assert await ask(handle) == (200, "application/x-ndjson", b"a\nb\nc\nd\n")


async def test_a_failure_before_the_first_line_is_no_stream_yet() -> None:
    def lines() -> Iterator[bytes]:
        raise UsageError("no")
        yield b""

    async def handle(request: web.Request) -> web.StreamResponse:
        with pytest.raises(UsageError):
            await stream_lines(request, lines())
        return web.Response()

    assert (await ask(handle))[0] == 200


async def ask(handle: Any, **options: Any) -> tuple[int, str, bytes]:
    app = web.Application()
    app.router.add_route("*", "/", handle)
    async with TestClient(TestServer(app)) as client:
        answer = await client.post("/", **options)
        return answer.status, answer.content_type, await answer.read()
