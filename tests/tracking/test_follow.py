"""From one server's log into the next one's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from smtpadmin.model.errors import UnreachableError
from smtpadmin.model.profile import Profile
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import Leg, TrackCriteria, TrackedMessage, TrackedRecipient
from smtpadmin.tracking.engine import Failures, track_servers
from smtpadmin.tracking.follow import hosts_of, next_hops, on_server, once, relay_names


def message(
    queue_id: str, to: str, status: str, reply: str | None = None, relay: str | None = None
) -> TrackedMessage:
    recipient = TrackedRecipient(
        to, DeliveryStatus(status), reply=reply, relay=relay, queue_id=queue_id
    )
    return TrackedMessage(
        (queue_id,), DeliveryStatus(status), (recipient,), (Leg(queue_id),), sender="s@x"
    )


class FakeServer:
    """A tracker over a list of messages."""

    def __init__(self, *messages: TrackedMessage, broken: bool = False) -> None:
        self.messages = messages
        self.broken = broken
        self.asked: list[TrackCriteria] = []

    async def track(self, criteria: TrackCriteria) -> AsyncIterator[TrackedMessage]:
        self.asked.append(criteria)
        if self.broken:
            raise UnreachableError("no answer", where="there")
        for one in self.messages:
            if criteria.queue_id in (None, *one.queue_ids):
                yield one


OUT = message(
    "A1B2C3", "a@b", "sent", "250 2.0.0 Ok: queued as D4E5F6", "mx2.example.org[192.0.2.2]:25"
)
IN = message("D4E5F6", "A@b", "delivered")
HOSTS = {"edge": ("edge.example.org",), "mail": ("MX2.example.org.", "192.0.2.2")}


async def tracked(edge: FakeServer, mail: FakeServer) -> list[TrackedMessage]:
    failures = Failures()
    servers = {"edge": edge, "mail": mail}
    found = [m async for m in track_servers(servers, TrackCriteria(), failures, HOSTS)]  # type: ignore[arg-type]
    return once(found)


async def test_a_message_is_followed_to_the_server_of_its_relay() -> None:
    (one,) = await tracked(FakeServer(OUT), FakeServer(IN))
    assert [(leg.server, leg.queue_id, leg.kind, leg.parent) for leg in one.legs] == [
        ("edge", "A1B2C3", "accepted", None),
        ("mail", "D4E5F6", "relayed", "A1B2C3"),
    ]
    assert one.status is DeliveryStatus.DELIVERED
    assert one.recipients[0].address == "a@b"
    assert one.queue_ids == ("A1B2C3", "D4E5F6")


async def test_an_id_that_the_other_log_has_for_somebody_else_is_not_believed() -> None:
    other = replace(IN, recipients=(replace(IN.recipients[0], address="other@b"),))
    found = await tracked(FakeServer(OUT), FakeServer(other))
    assert [len(m.legs) for m in found] == [1, 1]


async def test_a_next_server_that_fails_leaves_the_message_as_it_is() -> None:
    (one,) = await tracked(FakeServer(OUT), FakeServer(broken=True))
    assert one == on_server(OUT, "edge")


async def test_a_loop_of_relays_ends() -> None:
    back = message(
        "D4E5F6", "a@b", "sent", "250 queued as A1B2C3", "edge.example.org[192.0.2.1]:25"
    )
    found = await tracked(FakeServer(OUT), FakeServer(back))
    assert all(len(m.legs) == 2 for m in found)


@pytest.mark.parametrize(
    ("relay", "names"),
    [
        ("mx.Example.org[2001:db8::1]:25", {"mx.example.org", "2001:db8::1"}),
        ("mx.example.org [192.0.2.1]", {"mx.example.org", "192.0.2.1"}),
        ("mx.example.org:25", {"mx.example.org"}),
        ("", set()),
    ],
)
def test_names_of_a_relay(relay: str, names: set[str]) -> None:
    assert relay_names(relay) == names


def test_exims_confirmation_names_the_next_id() -> None:
    exim = message(
        "1rABcd-000DEF-99",
        "a@b",
        "sent",
        "250 OK id=1rABce-00000001abC-2dEf",
        "mx2.example.org [192.0.2.2]",
    )
    assert [hop.queue_id for hop in next_hops(exim, HOSTS)] == ["1rABce-00000001abC-2dEf"]
    assert (
        next_hops(
            replace(exim, recipients=(replace(exim.recipients[0], relay="mx9[192.0.2.9]"),)), HOSTS
        )
        == []
    )


async def test_of_servers_that_share_a_host_the_one_whose_log_knows_the_id_is_taken() -> None:
    host = dict.fromkeys(("edge", "empty", "hub", "later"), ("mx.example.org",))
    out = message("A1B2C3", "a@b", "sent", "250 queued as D4E5F6", "mx.example.org[192.0.2.2]:25")
    empty, hub, later = FakeServer(), FakeServer(IN), FakeServer(IN)
    servers = {"edge": FakeServer(out), "empty": empty, "hub": hub, "later": later}
    wanted = TrackCriteria(queue_id="A1B2C3")
    found = [m async for m in track_servers(servers, wanted, Failures(), host)]  # type: ignore[arg-type]
    (one,) = [m for m in found if m.queue_ids[0] == "A1B2C3"]
    assert [leg.server for leg in one.legs] == ["edge", "hub"]
    assert TrackCriteria(queue_id="D4E5F6") not in later.asked


@pytest.mark.parametrize("relay", ["127.0.0.1[127.0.0.1]:2525", "localhost [::1]", "127.0.0.2:24"])
def test_a_loopback_relay_is_on_the_computer_of_the_server_that_says_so(relay: str) -> None:
    hosts = {"here": ("localhost",), "mx": ("mx.example.org",), "mx-out": ("mx.example.org",)}
    out = message("A1B2C3", "a@b", "sent", "250 queued as D4E5F6", relay)
    assert [hop.server for hop in next_hops(on_server(out, "here"), hosts)] == ["here"]
    assert [hop.server for hop in next_hops(on_server(out, "mx"), hosts)] == ["mx-out", "mx"]


def test_hosts_of_profiles() -> None:
    profile = Profile("1", "mx", "postfix", host="mx.example.org")
    assert hosts_of(profile) == ("mx.example.org",)
    assert hosts_of(replace(profile, host="")) == ("localhost",)
    assert hosts_of(replace(profile, settings={"access": "local"})) == ("localhost",)
