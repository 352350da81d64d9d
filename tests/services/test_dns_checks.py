"""A mail domain's DNS, against a real name server: each fault told apart, silence never a fault."""

from __future__ import annotations

from collections.abc import Iterator

import dns.message
import pytest

from smtpadmin.model.dns import NameServer
from smtpadmin.services.checks import Check, CheckResult
from smtpadmin.services.dns_checks import MOST_HOSTS, dns_checks
from smtpadmin.transport.dns import Resolver
from tests.support.dns_server import answering, real_name_server, silence, told_name_server

SLOW_S = 60.0
PASS, WARN, FAIL = CheckResult.PASS, CheckResult.WARN, CheckResult.FAIL
INFO, UNTESTED = CheckResult.INFO, CheckResult.UNTESTED


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    with real_name_server(tmp_path_factory.mktemp("zones")) as found:
        yield found


@pytest.fixture
def resolver(server: NameServer) -> Resolver:
    return Resolver([server], deadline_s=SLOW_S, try_s=SLOW_S)


def brief(checks: list[Check]) -> list[tuple[str, str, CheckResult]]:
    return [(check.name, check.target, check.result) for check in checks]


async def test_a_domain_its_hosts_and_their_names(resolver: Resolver) -> None:
    checks = await dns_checks("mail.test", ["192.0.2.250"], resolver)
    assert brief(checks) == [
        ("mx", "mail.test", PASS),
        ("mx host", "mx1.mail.test", PASS),
        ("mx host", "backup.mail.test", PASS),
        ("mx host", "mx2.mail.test", PASS),
        ("reverse", "192.0.2.1", PASS),
        ("reverse", "2001:db8::1", PASS),
        ("reverse", "192.0.2.3", PASS),
        ("reverse", "192.0.2.2", WARN),
    ]
    assert checks[0].detail == "10 mx1.mail.test, 20 backup.mail.test, 20 mx2.mail.test"
    assert checks[1].detail == "192.0.2.1, 2001:db8::1"
    assert all(check.took_ms > 0 for check in checks)


@pytest.mark.parametrize(
    ("domain", "result", "words"),
    [
        ("null.mail.test", INFO, "takes no mail"),
        ("both.mail.test", FAIL, "a null MX stands beside others: 10 mx1.mail.test"),
        ("nomx.mail.test", INFO, "goes to its own address"),
        ("bare.mail.test", FAIL, "neither an MX record nor an address"),
        ("nosuch.mail.test", FAIL, "the DNS does not know this name"),
        ("twice.mail.test", WARN, "a host is named twice"),
        ("chain.mail.test", PASS, "alias of mail.test; 10 mx1.mail.test"),
        ("bücher.mail.test", PASS, "10 mx1.mail.test"),
        ("broken.test", UNTESTED, "MX broken.test"),
        ("example.org", UNTESTED, "refuses to answer"),
        ("user@mail.test", UNTESTED, "letters, digits"),
    ],
)
async def test_where_the_mail_goes(
    resolver: Resolver, domain: str, result: CheckResult, words: str
) -> None:
    check = (await dns_checks(domain, (), resolver))[0]
    assert (check.name, check.target, check.result) == ("mx", domain, result)
    assert words in check.detail
    assert bool(check.fix) is (result not in (PASS, INFO))


@pytest.mark.parametrize(
    ("domain", "host", "result", "words"),
    [
        ("literal.mail.test", "192.0.2.9", FAIL, "an IP address stands where a name must"),
        ("dangling.mail.test", "gone.mail.test", FAIL, "the DNS does not know this name"),
        ("dangling.mail.test", "bare.mail.test", FAIL, "the name has no address"),
        ("aliased.mail.test", "alias.mail.test", WARN, "an alias of mx1.mail.test"),
        ("inside.mail.test", "private.mail.test", WARN, "nobody outside can reach it: 10.0.0.1"),
        ("half.mail.test", "broken.broken.test", UNTESTED, "SERVFAIL"),
        ("odd.mail.test", r"odd\032name.mail.test", FAIL, "backslash"),
    ],
)
async def test_a_host_that_an_mx_record_names(
    resolver: Resolver, domain: str, host: str, result: CheckResult, words: str
) -> None:
    checks = await dns_checks(domain, (), resolver)
    (check,) = (c for c in checks if c.target == host)
    assert (check.name, check.result) == ("mx host", result)
    assert words in check.detail
    assert check.fix


async def test_a_host_without_mx_is_checked_by_its_own_addresses(resolver: Resolver) -> None:
    checks = await dns_checks("nomx.mail.test", ["192.0.2.7"], resolver)
    assert brief(checks)[1:] == [("reverse", "192.0.2.7", PASS)]
    assert checks[1].detail == "nomx.mail.test, and back"


async def test_a_name_that_this_machine_alone_knows_is_a_warning(resolver: Resolver) -> None:
    checks = await dns_checks("nosuch.mail.test", ["127.0.0.1"], resolver)
    assert checks[0].result is WARN


@pytest.mark.parametrize(
    "name",
    ["127.0.0.1", "::1", "localhost", "x.localhost", "mx.example.invalid", "nas.local", "nas"],
)
async def test_what_is_not_in_the_dns_is_not_asked_for(name: str) -> None:
    async with told_name_server(silence) as (server, told):
        checks = await dns_checks(name, ["127.0.0.1"], Resolver([server]))
    assert brief(checks) == [("reverse", "127.0.0.1", INFO)]
    assert not told.asked


async def test_silence_is_untested() -> None:
    async with told_name_server(silence) as (server, _):
        resolver = Resolver([server], deadline_s=0.2, try_s=0.2)
        checks = await dns_checks("mail.test", ["192.0.2.1"], resolver)
    assert brief(checks) == [("mx", "mail.test", UNTESTED), ("reverse", "192.0.2.1", UNTESTED)]
    assert "no valid answer in time" in checks[0].detail
    assert "firewalls" in checks[0].fix


async def test_a_stranger_with_very_many_hosts_is_not_followed_everywhere() -> None:
    def many(response: dns.message.Message) -> None:
        if response.question[0].rdtype.name == "MX":
            hosts = (f"{n} mx{n:02d}.big.test." for n in range(25))
            response.answer.append(dns.rrset.from_text("big.test.", 60, "IN", "MX", *hosts))

    async with told_name_server(answering(many)) as (server, told):
        resolver = Resolver([server], deadline_s=SLOW_S, try_s=SLOW_S)
        checks = await dns_checks("big.test", (), resolver)
    assert len(checks) == 1 + MOST_HOSTS
    assert checks[0].detail.endswith("9 mx09.big.test and 15 more")
    assert len(told.asked) == 1 + 2 * MOST_HOSTS
