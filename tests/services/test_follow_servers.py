"""One message looked for on servers of several kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smtpadmin.model.errors import UnreachableError
from smtpadmin.model.queue import QueueEntry, QueueRecipient
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.services.follow_servers import ServerSearch
from tests.services.test_probe_and_follow import ACCEPTED, Fake, Queue, message

DEFERRED, DELIVERED, SENT = DeliveryStatus.DEFERRED, DeliveryStatus.DELIVERED, DeliveryStatus.SENT


def search(connectors: Mapping[str, Any], origin: str | None = None) -> ServerSearch:
    return ServerSearch(connectors, origin)


async def test_the_origin_is_told_first_and_asked_by_its_queue_id() -> None:
    origin = Fake([message("ORIGIN1", SENT, "250 2.0.0 Ok: queued as 4XsNEXT123")], by="queue_id")
    other = Fake([message("X", DELIVERED)])
    found = search({"other": other, "origin": origin}, "origin")
    await found.ask_all(ACCEPTED)
    assert list(found.found) == ["origin", "other"]
    assert origin.asked == [
        TrackCriteria(message_id="<1@b.example>"), TrackCriteria(queue_id="ORIGIN1"),
    ]  # fmt: skip


async def test_the_next_hop_is_asked_for_the_id_that_it_gave_with_the_recipient() -> None:
    first = Fake([message("ORIGIN1", SENT, "250 2.0.0 Ok: queued as 4XsNEXT123")])
    second = Fake([message("4XsNEXT123", DELIVERED)], by="queue_id")
    found = search({"a": first, "b": second})
    await found.ask_all(ACCEPTED)
    assert list(found.found) == ["a"]
    await found.ask_all(ACCEPTED)
    assert list(found.found) == ["a", "b"]
    assert second.asked[-1] == TrackCriteria(queue_id="4XsNEXT123", recipient="c@d.example")


async def test_what_has_left_a_queue_has_an_unknown_end() -> None:
    entry = QueueEntry(
        "ORIGIN1", "deferred", None, 1, "a@b.example", (QueueRecipient("c@d.example", "452 full"),)
    )
    server = Queue(entry)
    found = search({"q": server}, "q")
    await found.ask_all(ACCEPTED)
    assert found.found["q"][0].status is DEFERRED
    assert (await found.entries_of("q", found.found["q"])).keys() == {"ORIGIN1"}
    server.entries = ()
    await found.ask_all(ACCEPTED)
    (left,) = found.found["q"]
    assert (left.status, left.recipients[0].reply) == (
        DeliveryStatus.UNKNOWN,
        "it has left the queue",
    )


async def test_another_message_with_that_queue_id_on_another_server_is_not_ours() -> None:
    entry = QueueEntry("ORIGIN1", "active", None, 1, "z@b.example", message_id="<other@b.example>")
    found = search({"q": Queue(entry)}, "elsewhere")
    await found.ask_all(ACCEPTED)
    assert found.found == {}


@pytest.mark.parametrize("kind", ["track", "list"])
async def test_a_server_that_fails_is_not_asked_again(kind: str) -> None:
    class Broken(Queue):
        async def list_queue(self) -> Any:
            raise UnreachableError("gone")
            yield ()

    server: Any = Fake([UnreachableError("gone")]) if kind == "track" else Broken()
    found = search({"a": server})
    assert found.can_ask
    await found.ask_all(ACCEPTED)
    assert list(found.failures) == ["a"]
    assert not found.can_ask
    assert found.trackers == frozenset()


async def test_they_are_told_along_the_way_whatever_their_names() -> None:
    servers = {
        "a": Fake([message("4XsLAST123", DELIVERED)]),
        "b": Fake([message("4XsNEXT123", SENT, "250 2.0.0 Ok: queued as 4XsLAST123")]),
        "c": Fake([message("ORIGIN1", SENT, "250 2.0.0 Ok: 12 bytes queued as 4XsNEXT123")]),
    }
    found = search(servers)
    await found.ask_all(ACCEPTED)
    assert [name for name, _ in found.along_the_way()] == ["c", "b", "a"]


async def test_without_a_reply_the_earlier_comes_first() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    servers = {
        "a": Fake([replace(message("A", DELIVERED), arrived=noon + timedelta(seconds=1))]),
        "b": Fake([replace(message("B", DELIVERED), arrived=noon)]),
        "c": Fake([message("C", DELIVERED)]),
    }
    found = search(servers)
    await found.ask_all(ACCEPTED)
    assert [name for name, _ in found.along_the_way()] == ["b", "a", "c"]
    found = search(servers, "c")
    await found.ask_all(ACCEPTED)
    assert [name for name, _ in found.along_the_way()] == ["c", "b", "a"]


async def test_a_loop_has_an_order_too() -> None:
    found = search(
        {
            "a": Fake([message("4XsLAST123", SENT, "250 2.0.0 Ok: queued as 4XsNEXT123")]),
            "b": Fake([message("4XsNEXT123", SENT, "250 2.0.0 Ok: queued as 4XsLAST123")]),
        }
    )
    await found.ask_all(ACCEPTED)
    assert [name for name, _ in found.along_the_way()] == ["a", "b"]
