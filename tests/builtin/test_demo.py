"""The demo shows within seconds what a queue can show, all of it by real mail."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from smtpadmin.builtin.config import ServerConfig
from smtpadmin.builtin.demo import Demo
from smtpadmin.model.errors import StorageError
from tests.support.admin_server import FREE, until


async def test_soon_mail_is_held_deferred_delivered_bounced_and_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    demo = Demo(ServerConfig(data=tmp_path, smtp=FREE, admin=FREE))
    server = await demo.start()
    try:
        demo.begin_traffic()

        async def everything_is_seen() -> bool:
            queues = (await server.counts()).by_queue
            totals = server.stats().totals
            return (
                queues.get("hold", 0) >= 3
                and queues.get("deferred", 0) >= 5
                and min(totals.values()) > 0
            )

        await until(everything_is_seen)
        entries = [entry async for page in server.list_queue() for entry in page]
        reasons = {entry.reason for entry in entries if entry.queue == "deferred"}
        assert len(reasons) >= 3
    finally:
        await demo.stop()
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_start_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path, smtp=FREE, admin=FREE)
    first, second = Demo(config), Demo(config)
    await first.start()
    try:
        with pytest.raises(StorageError):
            await second.start()
    finally:
        await first.stop()
