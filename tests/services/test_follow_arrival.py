"""The message in its mailbox, looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smtpadmin.model.mailbox import Arrival
from smtpadmin.model.received import Hop
from smtpadmin.services.follow_arrival import border_hop, look_at_arrival
from tests.services.test_signatures import ZONE, signed
from tests.support.zone_resolver import ZoneResolver

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
WAY = (b"Return-Path: <anna@d.example>\r\nReceived: by store.example; Mon, 2 Mar 2026 10:00:07 +0000\r\n"
       b"Received: from d.example (d.example [198.51.100.7]) by mx.example; Mon, 2 Mar 2026 10:00:05 +0000\r\n")  # fmt: skip


async def test_authentication_by_the_hop_at_the_border() -> None:
    arrival = Arrival("Junk", "1", WAY + signed(), NOW, NOW + timedelta(seconds=9), (), True)
    zone = ZONE | {
        "d.example": [{"TXT": "v=spf1 ip4:198.51.100.7 -all"}],
        "_dmarc.d.example": [{"TXT": "v=DMARC1; p=reject"}],
    }
    found = await look_at_arrival(arrival, signed(), NOW, ZoneResolver(zone))
    assert (found.folder, found.is_junk, found.after_s) == ("Junk", True, 9.0)
    assert [hop.delay for hop in found.hops] == [None, 2.0]
    assert found.authentication is not None
    assert found.authentication.spf is not None
    assert (found.authentication.spf.result, found.authentication.dmarc.result) == ("pass", "pass")
    assert found.changes is not None
    assert found.changes.body == "same"


async def test_what_cannot_be_computed_is_left_out() -> None:
    found = await look_at_arrival(Arrival("INBOX", "1", b"\x00", NOW), b"", NOW, None)
    assert (found.authentication, found.changes, found.hops) == (None, None, ())
    assert found.unchecked == "not asked for"
    odd = b"Received: from x (x [999.1.1.1]) by y; no time\r\n\r\n"
    found = await look_at_arrival(Arrival("INBOX", "1", odd, NOW), b"", NOW, ZoneResolver({}))
    assert found.authentication is not None
    assert found.authentication.spf is None


@pytest.mark.parametrize(
    ("addresses", "chosen"),
    [
        (["8.8.8.8", "1.1.1.1", "10.0.0.1"], "1.1.1.1"),
        (["10.0.0.2", "10.0.0.1", ""], "10.0.0.1"),
        (["", "x"], None),
        ([], None),
    ],
)
def test_the_border(addresses: list[str], chosen: str | None) -> None:
    found = border_hop(tuple(Hop(address=a) for a in addresses))
    assert (found.address if found else None) == chosen
