"""The resolver against a real name server, and against ones that do not behave."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from smtpadmin.model.dns import (
    DnsError,
    DnsStatus,
    DnsTimeoutError,
    MailRoute,
    MxHost,
    NameServer,
)
from smtpadmin.model.errors import UsageError
from smtpadmin.transport.dns import Resolver
from tests.support.dns_server import (
    BIG,
    Say,
    answering,
    coded,
    garbage,
    real_name_server,
    silence,
    told_name_server,
)

SLOW_S = 60.0
"""Where the answer is sure to come, a busy machine may take its time."""
HASTY_S = 0.4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    with real_name_server(tmp_path_factory.mktemp("zones")) as found:
        yield found


@pytest.fixture
def resolver(server: NameServer) -> Resolver:
    return patient(server)


def patient(*servers: NameServer) -> Resolver:
    return Resolver(servers, deadline_s=SLOW_S, try_s=SLOW_S)


async def test_mail_hosts_by_preference(resolver: Resolver, server: NameServer) -> None:
    found = await resolver.mx("Mail.Test.")
    assert found.route is MailRoute.LISTED
    assert found.hosts == (
        MxHost(10, "mx1.mail.test"),
        MxHost(20, "backup.mail.test"),
        MxHost(20, "mx2.mail.test"),
    )
    assert (found.answer.server, found.answer.ttl) == (server, 300)
    assert not found.answer.authenticated


@pytest.mark.parametrize(
    ("domain", "route", "hosts"),
    [
        ("null.mail.test", MailRoute.NULL, ()),
        ("both.mail.test", MailRoute.LISTED, (MxHost(10, "mx1.mail.test"),)),
        ("nomx.mail.test", MailRoute.IMPLICIT, (MxHost(0, "nomx.mail.test"),)),
        ("bare.mail.test", MailRoute.NOWHERE, ()),
        ("nosuch.mail.test", MailRoute.NO_DOMAIN, ()),
        ("bücher.mail.test", MailRoute.LISTED, (MxHost(10, "mx1.mail.test"),)),
        ("literal.mail.test", MailRoute.LISTED, (MxHost(10, "192.0.2.9"),)),
    ],
)
async def test_where_mail_goes(
    resolver: Resolver, domain: str, route: MailRoute, hosts: tuple[MxHost, ...]
) -> None:
    found = await resolver.mx(domain)
    assert (found.route, found.hosts) == (route, hosts)


async def test_a_null_mx_beside_others_is_still_seen(resolver: Resolver) -> None:
    found = await resolver.mx("both.mail.test")
    assert MxHost(0, ".") in found.answer.records


async def test_aliases_are_followed_and_named(resolver: Resolver) -> None:
    found = await resolver.mx("chain.mail.test")
    assert len(found.hosts) == 3
    assert found.answer.is_alias
    assert found.answer.canonical == "mail.test"


async def test_addresses_of_both_families(resolver: Resolver) -> None:
    found = await resolver.addresses("alias.mail.test")
    assert found.records == (ip_address("192.0.2.1"), ip_address("2001:db8::1"))
    assert found.canonical == "mx1.mail.test"
    assert found.status is DnsStatus.NOERROR


@pytest.mark.parametrize(
    ("host", "status"),
    [("nosuch.mail.test", DnsStatus.NXDOMAIN), ("bare.mail.test", DnsStatus.NODATA)],
)
async def test_no_address_is_not_no_name(resolver: Resolver, host: str, status: DnsStatus) -> None:
    found = await resolver.addresses(host)
    assert (found.status, found.records) == (status, ())
    assert found.ttl == 60


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("192.0.2.1", {"mx1.mail.test"}),
        ("192.0.2.7", {"other.mail.test", "nomx.mail.test"}),
        ("2001:db8::1", {"mx1.mail.test"}),
        ("192.0.2.5", {r"odd\032name.mail.test"}),
        ("192.0.2.200", set()),
    ],
)
async def test_names_of_an_address(resolver: Resolver, address: str, names: set[str]) -> None:
    assert set((await resolver.reverse(address)).records) == names


async def test_strings_of_a_text_are_joined_as_they_stand(resolver: Resolver) -> None:
    found = await resolver.txt("long.mail.test")
    assert found.records == (b"one two" + b"x" * 255 + b"\xff\x00",)


async def test_what_does_not_fit_comes_over_tcp(resolver: Resolver) -> None:
    found = await resolver.txt("big.mail.test")
    assert len(found.records) == BIG + 1
    assert sum(map(len, found.records)) > 8_000


async def test_what_a_certificate_must_match(resolver: Resolver) -> None:
    (record,) = (await resolver.tlsa("mx1.mail.test")).records
    assert (record.usage, record.selector, record.matching) == (3, 1, 1)
    assert record.data.hex().startswith("0c72ac70")


@pytest.mark.gui
async def test_udp_and_tcp_on_the_windows_loop(resolver: Resolver) -> None:
    import qasync

    assert isinstance(asyncio.get_running_loop(), qasync.QEventLoop)
    assert (await resolver.mx("mail.test")).hosts[0].host == "mx1.mail.test"
    assert len((await resolver.txt("big.mail.test")).records) == BIG + 1
    async with told_name_server(silence) as (silent, _):
        with pytest.raises(DnsTimeoutError):
            await Resolver([silent], deadline_s=HASTY_S, try_s=HASTY_S).mx("mail.test")


@pytest.mark.parametrize(
    ("domain", "status", "words"),
    [
        ("broken.test", DnsStatus.SERVFAIL, "could not find the answer (SERVFAIL)"),
        ("example.org", DnsStatus.REFUSED, "refuses to answer (REFUSED)"),
    ],
)
async def test_a_real_server_that_cannot_or_will_not(
    resolver: Resolver, server: NameServer, domain: str, status: DnsStatus, words: str
) -> None:
    with pytest.raises(DnsError) as caught:
        await resolver.mx(domain)
    assert caught.value.status is status
    assert words in caught.value.what
    assert caught.value.where == f"MX {domain} at {server}"
    assert "another name server" in caught.value.remedy


@pytest.mark.parametrize("say", [silence, garbage], ids=["silence", "garbage"])
async def test_silence_and_garbage_end_at_the_deadline(say: Say) -> None:
    async with told_name_server(say) as (server, told):
        started = time.monotonic()
        with pytest.raises(DnsTimeoutError, match="no valid answer in time") as caught:
            await Resolver([server], deadline_s=HASTY_S, try_s=HASTY_S / 4).mx("mail.test")
        assert time.monotonic() - started < 20
    assert caught.value.where == f"MX mail.test at {server}"
    assert told.asked


async def test_the_deadline_is_for_all_of_it() -> None:
    """MX answers that there is none; the addresses that follow have only what time is left."""

    def say(query: bytes) -> bytes | None:
        is_mx = dns.message.from_wire(query).question[0].rdtype.name == "MX"
        return coded(0)(query) if is_mx else None

    async with told_name_server(say) as (server, _):
        with pytest.raises(DnsTimeoutError) as caught:
            await Resolver([server], deadline_s=1.5, try_s=SLOW_S).mx("mail.test")
    assert caught.value.where.startswith("A mail.test")


async def test_a_lost_packet_is_asked_again_and_without_edns() -> None:
    lost: list[bytes] = []

    def say(query: bytes) -> bytes | None:
        lost.append(query)
        return None if len(lost) == 1 else coded(dns.rcode.NXDOMAIN)(query)

    async with told_name_server(say) as (server, told):
        resolver = Resolver([server], deadline_s=SLOW_S, try_s=1.0)
        assert (await resolver.txt("mail.test")).status is DnsStatus.NXDOMAIN
    assert [query.edns for query in told.asked[:2]] == [0, -1]
    assert told.asked[0].flags & dns.flags.AD


async def test_a_server_that_does_not_know_edns_is_asked_without() -> None:
    async with told_name_server(coded(dns.rcode.FORMERR, dns.rcode.NOERROR)) as (server, told):
        found = await patient(server).txt("mail.test")
    assert found.status is DnsStatus.NODATA
    assert [query.edns for query in told.asked] == [0, -1]


async def test_one_that_cannot_is_told_from_one_that_fails() -> None:
    async with told_name_server(coded(dns.rcode.NOTIMP)) as (server, told):
        with pytest.raises(DnsError, match="cannot answer this: NOTIMP") as caught:
            await patient(server).txt("mail.test")
    assert caught.value.status is DnsStatus.OTHER
    assert len(told.asked) == 2


async def test_the_next_server_is_asked_and_a_bad_one_is_not_asked_again(
    server: NameServer,
) -> None:
    async with told_name_server(coded(dns.rcode.SERVFAIL)) as (bad, told):
        found = await patient(bad, server).mx("mail.test")
        assert found.answer.server == server
        assert len(told.asked) == 1


async def test_all_failures_are_in_the_detail() -> None:
    async with (
        told_name_server(silence) as (mute, _),
        told_name_server(coded(dns.rcode.REFUSED)) as (closed, _),
    ):
        with pytest.raises(DnsError) as caught:
            await Resolver([mute, closed], deadline_s=SLOW_S, try_s=HASTY_S).mx("mail.test")
    assert caught.value.status is DnsStatus.REFUSED
    assert str(mute) in caught.value.detail
    assert str(closed) in caught.value.detail


async def test_authenticated_is_what_the_server_says() -> None:
    def signed(response: dns.message.Message) -> None:
        response.flags |= dns.flags.AD
        response.answer.append(dns.rrset.from_text("mail.test.", 7, "IN", "TXT", '"x"'))

    async with told_name_server(answering(signed)) as (server, _):
        found = await patient(server).txt("mail.test")
    assert found.authenticated
    assert (found.records, found.ttl) == ((b"x",), 7)


@pytest.mark.parametrize(
    "call",
    [
        lambda r: r.mx("user@mail.test"),
        lambda r: r.addresses("192.0.2.1"),
        lambda r: r.reverse("mail.test"),
        lambda r: r.txt(""),
        lambda r: r.tlsa("a b"),
    ],
)
async def test_what_is_no_name_is_not_asked(call: Callable[[Resolver], Awaitable[object]]) -> None:
    async with told_name_server(silence) as (server, told):
        with pytest.raises(UsageError):
            await call(patient(server))
    assert not told.asked


def test_a_server_is_an_address() -> None:
    with pytest.raises(UsageError, match="no IP address"):
        Resolver([NameServer("ns.mail.test")])


async def test_no_route_to_the_server() -> None:
    with pytest.raises(DnsError) as caught:
        await Resolver([NameServer("255.255.255.255")], deadline_s=5.0).mx("mail.test")
    assert caught.value.status is DnsStatus.UNREACHABLE


async def test_the_machines_own_servers_when_none_are_given(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtpadmin.transport.dns.system_servers", lambda: (server,))
    assert (await Resolver(deadline_s=SLOW_S).mx("mail.test")).hosts


async def test_cancelling_closes_the_socket() -> None:
    """An open one would be a ResourceWarning, and warnings are errors here."""
    limit = asyncio.timeout(SLOW_S)

    def say(query: bytes) -> None:
        limit.reschedule(asyncio.get_running_loop().time())

    async with told_name_server(say) as (server, _):
        with pytest.raises(TimeoutError):
            async with limit:
                await patient(server).mx("mail.test")


def test_it_is_light_until_it_is_used() -> None:
    program = (
        "import sys, smtpadmin.transport.dns\n"
        "sys.exit(any(name.split('.')[0] in {'dns', 'idna'} for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert done.returncode == 0
