"""Authentication of a caught message: results become checks, and silence of the DNS is no failure."""

from __future__ import annotations

from datetime import UTC, datetime

from smtpadmin.model.catch import CaughtMessage
from smtpadmin.model.message_check import MessageVerdict
from smtpadmin.services.caught_authentication import authentication_checks
from tests.services.test_signatures import ZONE, signed
from tests.support.zone_resolver import ZoneResolver


def message(raw: bytes, client: str = "127.0.0.1") -> CaughtMessage:
    return CaughtMessage(
        "m", "s", datetime.now(UTC), "a@d.example", ("b@y.example",), raw, client=client,
        helo="mx.d.example",
    )  # fmt: skip


async def results(
    raw: bytes, zone: dict[str, list[object]], client: str = "127.0.0.1"
) -> dict[str, MessageVerdict]:
    found = await authentication_checks(message(raw, client), ZoneResolver(zone))
    return {check.name: check.result for check in found}


async def test_a_signed_message_from_this_computer() -> None:
    zone = ZONE | {"_dmarc.d.example": [{"TXT": "v=DMARC1; p=reject"}]}
    found = await results(signed(), zone)
    assert found == {
        "dkim": MessageVerdict.PASS, "dmarc": MessageVerdict.PASS, "spf": MessageVerdict.UNTESTED,
    }  # fmt: skip
    forged = await results(signed().replace(b"body", b"BODY"), zone)
    assert (forged["dkim"], forged["dmarc"]) == (MessageVerdict.FAIL, MessageVerdict.FAIL)


async def test_a_public_client_has_spf_and_a_reverse_name() -> None:
    zone: dict[str, list[object]] = {"d.example": [{"TXT": "v=spf1 ip4:8.8.8.8 -all"}]}
    raw = b"From: a@d.example\r\n\r\nhi\r\n"
    good, bad = await results(raw, zone, "8.8.8.8"), await results(raw, zone, "8.8.4.4")
    assert (good["spf"], bad["spf"]) == (MessageVerdict.PASS, MessageVerdict.FAIL)
    assert (good["dkim"], good["iprev"]) == (MessageVerdict.WARN, MessageVerdict.FAIL)


async def test_a_dns_that_is_silent_is_untested_and_no_text_breaks_it() -> None:
    zone: dict[str, list[object]] = {"d.example": ["TIMEOUT"], "_dmarc.d.example": ["TIMEOUT"]}
    found = await results(b"From: a@d.example\r\n\r\nhi\r\n", zone, "8.8.8.8")
    assert (found["spf"], found["dmarc"]) == (MessageVerdict.UNTESTED, MessageVerdict.UNTESTED)
    assert await results(b"\x00\xff", {}, "not an address")
