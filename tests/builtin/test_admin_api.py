"""Who may ask, how failures are answered, and that the API is what its description says."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from smtpadmin.builtin import admin_api
from smtpadmin.builtin.admin_http import line_stream
from smtpadmin.model.errors import StorageError, UsageError
from smtpadmin.util.resources import read_text
from tests.support.admin_server import RunningServer, running_server
from tests.support.json_schema import problems, resolve

OPENAPI: dict[str, Any] = json.loads(read_text("builtin/openapi.json"))


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with running_server(tmp_path) as found:
        yield found


def operations() -> set[tuple[str, str]]:
    return {(path, method) for path, methods in OPENAPI["paths"].items() for method in methods}


def test_every_route_is_described_and_every_description_is_served() -> None:
    served = {(route.path, route.method.lower()) for route in admin_api.ROUTES}
    assert served == operations()


def test_every_reference_of_the_description_leads_somewhere() -> None:
    references = {
        value for value in _strings(OPENAPI) if value.startswith("#/") and value.count("/") == 3
    }
    assert len(references) > 10
    for reference in references:
        assert resolve(reference, OPENAPI)


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


async def test_every_answer_fits_its_description(running: RunningServer) -> None:
    queue_id = await running.send_deferred()
    delivered = await running.send("ben@acme.example", subject="Done")
    await running.until_queue(delivered, None)
    raw = base64.b64encode(b"Subject: x\r\n\r\n\r\n").decode()
    bodies = {
        "/v1/queue/actions": {"action": "hold", "items": [{"queue_id": queue_id}]},
        "/v1/messages": {"sender": "", "recipients": ["a@acme.example"], "raw": raw},
    }
    for path, method in sorted(operations() - {("/v1/log/follow", "get")}):
        url = path.format(queue_id=queue_id)
        query = {"lines": "1"} if path == "/v1/track" else None
        async with running.http.request(method, url, params=query, json=bodies.get(path)) as answer:
            _check(path, method, answer.status, answer.content_type, await answer.read())


def _check(path: str, method: str, status: int, content_type: str, body: bytes) -> None:
    described = OPENAPI["paths"][path][method]["responses"][str(status)]
    described = resolve(described["$ref"], OPENAPI) if "$ref" in described else described
    schema = described["content"][content_type]["schema"]
    if content_type == "application/x-ndjson":
        values = [json.loads(line) for line in body.splitlines()]
        assert values, path
    elif content_type == "message/rfc822":
        values = []
        assert body.startswith(b"Received: ")
    else:
        values = [json.loads(body)]
    assert [p for value in values for p in problems(value, schema, OPENAPI, path)] == []


@pytest.mark.parametrize(("path", "method"), sorted(operations()))
async def test_nothing_is_answered_without_the_token(
    running: RunningServer, path: str, method: str
) -> None:
    for token in ("", "Bearer", "Bearer wrong", "Basic eDp5", "Bearer \xe9"):
        async with aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{running.api.address[1]}{path}"
            async with http.request(method, url, headers={"Authorization": token}) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                _check(path, method, 401, answer.content_type, await answer.read())


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1", 200), ("localhost:80", 200), ("[::1]:8025", 200), ("[::1]", 200)]
    + [(bad, 403) for bad in ("evil.example", "127.0.0.1.evil.example:80", "", "[", "10.0.0.1:80")],
)
async def test_only_names_of_loopback_are_answered(
    running: RunningServer, host: str, status: int
) -> None:
    async with running.http.get("/v1/status", headers={"Host": host}) as answer:
        assert answer.status == status


async def test_answers_are_not_kept_by_anybody(running: RunningServer) -> None:
    async with running.http.get("/v1/status") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/v1/queue", 405)]
)
async def test_a_wrong_path_or_method_is_answered_like_any_failure(
    running: RunningServer, method: str, path: str, status: int
) -> None:
    async with running.http.request(method, path) as answer:
        assert answer.status == status
        assert set((await answer.json())["error"]) == {"what", "where", "remedy"}
        assert status == 404 or "GET" in answer.headers["Allow"]


async def test_too_big_a_body_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_api, "MOST_BODY", 1_000)
    async with (
        running_server(tmp_path) as running,
        running.http.post("/v1/messages", data=b"x" * 1_001) as answer,
    ):
        assert answer.status == 413
        _check("/v1/messages", "post", 413, answer.content_type, await answer.read())


async def make_failing_app(
    monkeypatch: pytest.MonkeyPatch, running: RunningServer, handler: Any
) -> web.AppRunner:
    monkeypatch.setattr(admin_api, "ROUTES", (web.get("/x", handler),))
    runner = web.AppRunner(admin_api.make_app(running.server, "t" * 20))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


@pytest.mark.parametrize(
    ("error", "status", "what"),
    [
        (StorageError("the spool is gone"), 503, "the spool is gone"),
        (UsageError("no"), 422, "no"),
        (ZeroDivisionError("oops"), 500, "a bug in the server: ZeroDivisionError"),
    ],
)
@pytest.mark.expects_log
async def test_failures_have_a_fitting_status(
    running: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    what: str,
) -> None:
    async def fail(request: web.Request) -> web.Response:
        raise error

    runner = await make_failing_app(monkeypatch, running, fail)
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/x"
        async with running.http.get(url, headers={"Authorization": "Bearer " + "t" * 20}) as answer:
            assert answer.status == status
            assert (await answer.json())["error"]["what"] == what
    finally:
        await runner.cleanup()


@pytest.mark.expects_log
async def test_a_stream_that_fails_midway_breaks_off_visibly(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        async with line_stream(request) as stream:
            await stream.write(b'{"half":1}\n')
            raise StorageError("the disk is gone")
        return stream.response

    runner = await make_failing_app(monkeypatch, running, fail)
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/x"
        async with running.http.get(url, headers={"Authorization": "Bearer " + "t" * 20}) as answer:
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
    finally:
        await runner.cleanup()
    assert "/x broke off: the disk is gone" in caplog.text


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "mail.example"])
def test_the_api_never_leaves_the_machine(host: str) -> None:
    with pytest.raises(UsageError, match="loopback alone"):
        admin_api.check_loopback(host)


async def test_stopping_ends_followers_at_once(running: RunningServer) -> None:
    async with running.http.get("/v1/log/follow") as answer:
        assert await answer.content.readline() == b"\n"
        async with asyncio.timeout(0.9):
            await running.api.stop()
        await answer.read()
