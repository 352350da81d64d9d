"""What the server says of itself."""

from __future__ import annotations

import json
from pathlib import Path

from smtpadmin import __version__
from smtpadmin.builtin.admin_about import address_text
from smtpadmin.util.resources import read_text
from tests.support.admin_server import running_server


async def test_status_names_ports_domains_and_limits(tmp_path: Path) -> None:
    async with running_server(tmp_path, submission=("127.0.0.1", 0)) as running:
        status = await running.get("/v1/status")
        assert status["smtp"] == f"127.0.0.1:{running.server.smtp[1]}"
        assert running.server.submission is not None
        assert status["submission"] == f"127.0.0.1:{running.server.submission[1]}"
    assert status["version"] == __version__
    assert status["hostname"] == "mail.acme.example"
    assert status["local_domains"] == ["acme.example"]
    assert status["routes"] == {"branch-7.example": "127.0.0.1:1"}
    assert status["retry_s"] == [3600]


async def test_statistics_count_what_happened(tmp_path: Path) -> None:
    async with running_server(tmp_path) as running:
        await running.until_queue(await running.send("ben@acme.example"), None)
        await running.send_deferred()
        stats = await running.get("/v1/stats")
    assert {name: stats["totals"][name] for name in ("accepted", "delivered", "deferred")} == {
        "accepted": 2,
        "delivered": 1,
        "deferred": 1,
    }
    assert sum(stats["series"]["accepted"]["values"]) == 2
    assert stats["last_delivered"]


async def test_the_description_is_served(tmp_path: Path) -> None:
    async with running_server(tmp_path) as running:
        assert await running.get("/openapi.json") == json.loads(read_text("builtin/openapi.json"))


def test_an_ipv6_address_has_brackets() -> None:
    assert address_text(("::1", 25)) == "[::1]:25"
    assert address_text(("127.0.0.1", 25)) == "127.0.0.1:25"
