"""SPF beside the suite of RFC 7208, and against a real name server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.services.spf import check_spf
from smtpadmin.transport.dns import Resolver
from tests.support.dns_server import real_name_server
from tests.support.zone_resolver import ZoneResolver

SUITE = Path(__file__).parents[3] / "shared/corpora/spf-rfc7208/tests.yml"
POLICY = "v=spf1 "


@pytest.mark.skipif(not SUITE.exists(), reason="the SPF suite is not here")
async def test_the_suite_of_the_standard() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the suite")
    failed, count = [], 0
    for scenario in yaml.safe_load_all(SUITE.read_text("utf-8")):
        for name, test in scenario["tests"].items():
            wanted = test["result"] if isinstance(test["result"], list) else [test["result"]]
            resolver = ZoneResolver(scenario["zonedata"])
            found = await check_spf(resolver, test["host"], test["helo"], test["mailfrom"])
            count += 1
            if found.result not in wanted:
                failed.append(f"{name}: {found.result} ({found.reason}), not {wanted}")
    print(f"{count - len(failed)} of {count}")
    assert count > 40
    assert failed == []


def zone(policy: str, **more: Any) -> dict[str, Any]:
    return {"d.example": [{"TXT": policy}, {"A": "192.0.2.1"}, {"MX": [10, "mx.d.example"]}],
            "mx.d.example": [{"A": "192.0.2.2"}, {"AAAA": "2001:db8::2"}],
            "2.2.0.192.in-addr.arpa": [{"PTR": "mx.d.example"}],
            "ok.example": [{"TXT": "v=spf1 ip4:192.0.2.9 -all"}],
            "9.example": [{"TXT": "v=spf1 ip4:192.0.2.9 -all"}]} | more  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "client", "result"),
    [
        ("v=spf1 a -all", "192.0.2.1", "pass"), ("v=spf1 a -all", "192.0.2.2", "fail"),
        ("v=spf1 mx ~all", "192.0.2.2", "pass"), ("v=spf1 mx ~all", "2001:db8::2", "pass"),
        ("v=spf1 mx/24 ~all", "192.0.2.77", "pass"), ("v=spf1 mx//64 ?all", "2001:db8::9", "pass"),
        ("v=spf1 ptr -all", "192.0.2.2", "pass"), ("v=spf1 ptr -all", "192.0.2.3", "fail"),
        ("v=spf1 include:ok.example ?all", "192.0.2.9", "pass"), ("v=spf1 include:ok.example ?all", "192.0.2.8", "neutral"),
        ("v=spf1 redirect=ok.example", "192.0.2.8", "fail"), ("v=spf1 include:gone.example", "192.0.2.8", "permerror"),
        ("v=spf1 exists:%{ir}.x.example -all", "192.0.2.9", "fail"), ("v=spf1 include:%{i1}.example -all", "192.0.2.9", "pass"),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::1", "pass"), ("v=spf1 ip4:192.0.2.0/33", "192.0.2.1", "permerror"),
        ("v=spf1 a a:x.%{c}.example", "192.0.2.9", "permerror"), ("v=spf1 nonsense", "192.0.2.1", "permerror"),
        ("v=spf1", "192.0.2.1", "neutral"), ("v=spf10 +all", "192.0.2.1", "none"), ("v=spf1 all:x", "192.0.2.1", "permerror"),
        ("v=spf1 a:1.example a:2.example a:3.example +all", "192.0.2.9", "permerror"),
        ("v=spf1 redirect=d.example", "192.0.2.9", "permerror"), ("v=spf1 ip4:192.0.2.9 a", "::ffff:192.0.2.9", "pass"),
    ],
)  # fmt: skip
async def test_verdicts(policy: str, client: str, result: str) -> None:
    found = await check_spf(ZoneResolver(zone(policy)), client, "helo.example", "a@d.example")
    assert found.result == result, found.reason
    assert found.reason


async def test_a_silent_dns_is_no_verdict() -> None:
    for silent in (
        {"d.example": ["TIMEOUT"]},
        zone("v=spf1 a:slow.example -all") | {"slow.example": ["TIMEOUT"]},
    ):
        found = await check_spf(ZoneResolver(silent), "192.0.2.9", "h.example", "a@d.example")
        assert found.result == "temperror"


async def test_the_null_sender_and_helo_are_the_client_s_own_name() -> None:
    resolver = ZoneResolver(zone("v=spf1 a -all"))
    found = await check_spf(resolver, "192.0.2.1", "d.example", "")
    assert (found.result, found.domain, found.identity) == ("pass", "d.example", "mailfrom")
    found = await check_spf(resolver, "192.0.2.1", "d.example", "x@other.example", identity="helo")
    assert (found.result, found.domain, found.identity) == ("pass", "d.example", "helo")
    with pytest.raises(UsageError):
        await check_spf(resolver, "no address", "h", "a@b.example")


async def test_a_policy_that_asks_for_ever_ends() -> None:
    many = " ".join(f"include:i{n}.example" for n in range(9))
    deep = {f"i{n}.example": [{"TXT": "v=spf1 " + many}] for n in range(9)}
    resolver = ZoneResolver(zone(f"v=spf1 {many}", **deep))
    found = await check_spf(resolver, "192.0.2.9", "h.example", "a@d.example")
    assert found.result == "permerror"
    assert resolver.asked < 100


async def test_a_real_name_server(tmp_path: Path) -> None:
    with real_name_server(tmp_path) as server:
        resolver = Resolver([server])
        good = await check_spf(resolver, "192.0.2.2", "mx1.mail.test", "anna@mail.test")
        bad = await check_spf(resolver, "192.0.2.77", "mx1.mail.test", "anna@mail.test")
        none = await check_spf(resolver, "192.0.2.77", "mx1.mail.test", "anna@bare.mail.test")
    assert (good.result, bad.result, none.result) == ("pass", "fail", "none")
    assert good.record == "v=spf1 mx -all"


@settings(max_examples=60)
@given(
    st.text(alphabet="v=spf1 amx:/%{idr}.-+all0?~ncludeptr", max_size=60),
    st.text(max_size=20),
    st.text(max_size=20),
)
async def test_any_policy_has_a_verdict(policy: str, helo: str, sender: str) -> None:
    found = await check_spf(ZoneResolver(zone(POLICY + policy)), "192.0.2.9", helo, "a@d.example")
    assert found.result in ("pass", "fail", "softfail", "neutral", "none", "permerror", "temperror")
    await check_spf(ZoneResolver({}), "192.0.2.9", helo, sender)


@pytest.mark.parametrize(
    "helo", ["127.0.0.1", "[192.0.2.1]", "-", "a..b", "x" * 300, "ü.example", "a b.example"]
)
async def test_a_client_that_names_itself_wrongly_has_no_policy(helo: str) -> None:
    found = await check_spf(ZoneResolver({}), "192.0.2.9", helo, "", identity="helo")
    assert found.result == "none"
