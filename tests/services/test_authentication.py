"""All checks of a message together, against a real name server."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.services.authentication import authenticate
from smtpadmin.transport.dns import Resolver
from tests.services.test_signatures import ZONE, signed
from tests.support.dns_server import real_name_server
from tests.support.zone_resolver import ZoneResolver


async def test_a_message_of_a_real_zone(tmp_path: Path) -> None:
    raw = b"From: anna@mail.test\r\nSubject: x\r\n\r\nhi\r\n"
    with real_name_server(tmp_path) as server:
        found = await authenticate(
            raw,
            Resolver([server]),
            client="192.0.2.2",
            helo="mx2.mail.test",
            mail_from="anna@mail.test",
        )
        none = await authenticate(
            raw,
            Resolver([server]),
            client="192.0.2.1",
            helo="mx1.mail.test",
            mail_from="a@mail.test",
        )
    assert found.spf is not None
    assert found.iprev is not None
    assert none.iprev is not None
    assert (found.spf.result, found.arc.result, found.dkim) == ("pass", "none", ())
    assert (found.iprev.result, found.iprev.names) == ("fail", ("wrong.mail.test",))
    assert none.iprev.result == "pass"


async def test_a_signed_message_passes_dmarc_without_a_client() -> None:
    zone = ZONE | {"_dmarc.d.example": [{"TXT": "v=DMARC1; p=reject"}]}
    found = await authenticate(signed(), ZoneResolver(zone))
    assert (found.dmarc.result, found.dmarc.dkim_aligned, found.spf) == ("pass", True, None)
    forged = await authenticate(signed().replace(b"body", b"BODY"), ZoneResolver(zone))
    assert (forged.dmarc.result, forged.dmarc.policy) == ("fail", "reject")


@pytest.mark.parametrize(
    ("zone", "result"),
    [
        ({}, "fail"), ({"1.2.0.192.in-addr.arpa": ["TIMEOUT"]}, "temperror"),
        ({"1.2.0.192.in-addr.arpa": [{"PTR": "a.example"}], "a.example": ["TIMEOUT"]}, "temperror"),
        ({"1.2.0.192.in-addr.arpa": [{"PTR": "a.example"}], "a.example": [{"A": "192.0.2.1"}]}, "pass"),
    ],
)  # fmt: skip
async def test_the_reverse_name(zone: dict[str, list[object]], result: str) -> None:
    found = await authenticate(b"", ZoneResolver(zone), client="192.0.2.1", helo="h.example")
    assert found.iprev is not None
    assert found.iprev.result == result


async def test_an_address_written_in_another_way_is_the_same() -> None:
    reverse = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    zone = {reverse: [{"PTR": "a.example"}], "a.example": [{"AAAA": "2001:db8::1"}]}
    found = await authenticate(b"", ZoneResolver(zone), client="2001:0DB8:0::1", helo="h.example")
    assert found.iprev is not None
    assert found.iprev.result == "pass"


async def test_a_client_that_is_no_address() -> None:
    with pytest.raises(UsageError):
        await authenticate(b"", ZoneResolver({}), client="mx.example")
