"""Many messages at once: exactly those that were chosen go, and undo brings them back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smtpadmin.connectors.postfix import Postfix
from smtpadmin.formats.filter_language import parse_filter
from smtpadmin.model.profile import Environment, Profile, SafetyLevel
from smtpadmin.model.queue import QueueAction, QueueEntry
from smtpadmin.services.actions import QueueActions
from smtpadmin.services.filtering import queue_matcher
from smtpadmin.services.undo import undo
from smtpadmin.settings.journal import Journal
from tests.servers.postfix import PostfixInstance, running_postfix

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

MESSAGES = int(os.environ.get("SMTPADMIN_TEST_MESSAGES", "2000"))
"""In the queue at first. The 10,000 of CI take some minutes."""


def inject(instance: PostfixInstance, count: int, sender: str) -> None:
    """Messages that wait: nothing of them is tried."""
    subprocess.run(
        ["smtp-source", "-c", "-m", str(count), "-s", "10", "-l", "600", "-f", sender,
         "-t", "user@down.test", f"127.0.0.1:{instance.port}"],
        check=True, capture_output=True, timeout=300,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )  # fmt: skip


async def listed(postfix: Postfix) -> list[QueueEntry]:
    return [entry async for batch in postfix.list_queue() for entry in batch]


async def settled(postfix: Postfix, count: int) -> list[QueueEntry]:
    """Once that many are deferred and nothing moves."""
    deadline = time.monotonic() + 120
    while (await postfix.queue_counts()).by_queue != {"deferred": count}:
        assert time.monotonic() < deadline, await postfix.queue_counts()
        await asyncio.sleep(0.2)
    return await listed(postfix)


async def test_half_of_the_queue_is_deleted_and_brought_back(tmp_path: Path) -> None:
    half = MESSAGES // 2
    with running_postfix() as lab:
        instance = lab.short
        instance.run("postconf", "defer_transports=smtp")
        instance.run("postfix", "reload")
        inject(instance, half, "go@lab.test")
        inject(instance, half, "stay@lab.test")
        profile = Profile(
            "u", "mx1", "postfix", environment=Environment.TEST, safety=SafetyLevel.FREE,
            settings={"access": "local", "instance": str(instance.etc)},
        )  # fmt: skip
        postfix = Postfix(profile, {})
        await postfix.probe()
        before = await settled(postfix, 2 * half)
        passes = queue_matcher(parse_filter("from:go@lab.test"))
        chosen = [entry for entry in before if passes(entry, datetime.now(UTC))]
        assert len(chosen) == half
        actions = QueueActions(postfix, profile, Journal(tmp_path / "journal"))
        preview = actions.preview(QueueAction.DELETE, chosen)
        began = time.monotonic()
        outcome = await actions.run(QueueAction.DELETE, chosen, preview.confirm(preview.typed_name))
        print(f"{half} deleted in {time.monotonic() - began:.1f} s")
        assert outcome.ok == half
        left = await listed(postfix)
        assert {e.identity for e in left} == {e.identity for e in before} - {
            e.identity for e in chosen
        }
        began = time.monotonic()
        undone = await undo(actions, postfix, outcome.activity)
        print(f"{half} put back in {time.monotonic() - began:.1f} s")
        assert undone.ok == half
        after = await settled(postfix, 2 * half)
        assert sum(entry.sender == "go@lab.test" for entry in after) == half
        assert {e.identity for e in left} <= {e.identity for e in after}
        assert {r.address for e in after for r in e.recipients} == {"user@down.test"}
