"""Names of addresses that lead back, or not, against a real name server."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import dns.message
import dns.rcode
import dns.rrset
import pytest

from smtpadmin.model.dns import NameServer
from smtpadmin.services.checks import Check, CheckResult
from smtpadmin.services.reverse_checks import MOST_ADDRESSES, is_inside, reverse_checks
from smtpadmin.transport.dns import Resolver
from tests.support.dns_server import answering, coded, real_name_server, told_name_server

SLOW_S = 60.0
PASS, WARN, INFO = CheckResult.PASS, CheckResult.WARN, CheckResult.INFO


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    with real_name_server(tmp_path_factory.mktemp("zones")) as found:
        yield found


def patient(server: NameServer) -> Resolver:
    return Resolver([server], deadline_s=SLOW_S, try_s=SLOW_S)


async def run(server: NameServer, *addresses: str) -> list[Check]:
    return await reverse_checks(map(ip_address, addresses), patient(server))


@pytest.mark.parametrize(
    ("address", "result", "detail"),
    [
        ("192.0.2.1", PASS, "mx1.mail.test, and back"),
        ("2001:db8::1", PASS, "mx1.mail.test, and back"),
        ("192.0.2.7", PASS, "nomx.mail.test, and back"),
        ("192.0.2.2", WARN, "wrong.mail.test, which does not lead back to it"),
        ("192.0.2.5", WARN, r"odd\032name.mail.test, which does not lead back to it"),
        ("192.0.2.200", WARN, "the address has no name (PTR)"),
        ("127.0.0.1", INFO, "no other network knows it; not asked"),
        ("fe80::1", INFO, "no other network knows it; not asked"),
    ],
)
async def test_one_address(
    server: NameServer, address: str, result: CheckResult, detail: str
) -> None:
    (check,) = await run(server, address)
    assert (check.name, check.target) == ("reverse", address)
    assert (check.result, check.detail) == (result, detail)
    assert bool(check.fix) is (result is WARN)


async def test_what_the_name_server_will_not_say_is_untested(server: NameServer) -> None:
    (check,) = await run(server, "203.0.113.1")
    assert check.result is CheckResult.UNTESTED
    assert "PTR 1.113.0.203.in-addr.arpa" in check.detail
    assert check.fix


async def test_an_address_of_the_inside_needs_no_name() -> None:
    async with told_name_server(coded(dns.rcode.NXDOMAIN)) as (server, _):
        (check,) = await run(server, "10.1.2.3")
    assert check.result is INFO


async def test_a_name_that_cannot_be_asked_leaves_it_open() -> None:
    """A PTR that leads to a name of which nothing can be learnt is not known to be wrong."""

    def only_ptr(response: dns.message.Message) -> None:
        question = response.question[0]
        response.set_rcode(dns.rcode.SERVFAIL)
        if question.rdtype.name == "PTR":
            response.set_rcode(dns.rcode.NOERROR)
            response.answer.append(
                dns.rrset.from_text(question.name, 60, "IN", "PTR", "mx1.broken.test.")
            )

    async with told_name_server(answering(only_ptr)) as (server, _):
        (check,) = await run(server, "192.0.2.1")
    assert check.result is CheckResult.UNTESTED
    assert "mx1.broken.test" in check.detail


async def test_each_address_once_in_their_order_and_not_too_many(server: NameServer) -> None:
    many = [f"192.0.2.{n}" for n in range(1, 40)]
    checks = await run(server, "192.0.2.1", *many)
    assert [check.target for check in checks] == many[:MOST_ADDRESSES]


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True),
        ("0.0.0.0", True),
        ("10.0.0.1", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("100.64.0.1", True),
        ("192.168.1.1", True),
        ("192.0.2.1", False),
        ("fd00::1", True),
        ("fe80::1", True),
        ("::1", True),
        ("2001:db8::1", False),
    ],
)
def test_who_can_reach_it(address: str, inside: bool) -> None:
    assert is_inside(ip_address(address)) is inside
