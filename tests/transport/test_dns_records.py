"""Records out of answers: joined, bounded, through aliases that end."""

from __future__ import annotations

from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.dns import DnsAnswer, DnsError, DnsStatus, IpAddress, MxHost, NameServer
from smtpadmin.transport.dns_name import wire_name
from smtpadmin.transport.dns_query import Question
from smtpadmin.transport.dns_records import (
    MOST_RECORDS,
    joined,
    read_answer,
    read_ip,
    read_mx,
    read_ptr,
    read_text,
    read_tlsa,
)

SERVER = NameServer("192.0.2.53")


def answer(rtype: str, *sets: dns.rrset.RRset, code: int = 0) -> dns.message.QueryMessage:
    query = dns.message.make_query("a.test", rtype)
    response = dns.message.make_response(query)
    response.set_rcode(dns.rcode.Rcode(code))
    response.answer.extend(sets)
    read = dns.message.from_wire(response.to_wire(max_size=65_535))
    assert isinstance(read, dns.message.QueryMessage)
    return read


def records(rtype: str, *texts: str, name: str = "a.test.", ttl: int = 300) -> dns.rrset.RRset:
    return dns.rrset.from_text(name, ttl, "IN", rtype, *texts)


def question(rtype: str) -> Question:
    return Question(wire_name("a.test"), rtype)


def test_an_answer_has_all_that_is_known() -> None:
    response = answer("MX", records("MX", "10 MX.Test."))
    response.flags |= dns.flags.AD
    found = read_answer(response, question("MX"), SERVER, read_mx)
    assert found == DnsAnswer(
        "a.test", "MX", DnsStatus.NOERROR, (MxHost(10, "mx.test"),), 300, True, SERVER, "a.test"
    )


def test_the_shortest_life_on_the_way_counts() -> None:
    alias = records("CNAME", "b.test.", ttl=9)
    response = answer("A", alias, records("A", "192.0.2.1", name="b.test."))
    found = read_answer(response, question("A"), SERVER, read_ip)
    assert (found.records, found.ttl) == ((ip_address("192.0.2.1"),), 9)
    assert (found.canonical, found.is_alias) == ("b.test", True)


def test_an_alias_of_nothing_is_not_there() -> None:
    response = answer("A", records("CNAME", "b.test."), code=dns.rcode.NXDOMAIN)
    found = read_answer(response, question("A"), SERVER, read_ip)
    assert (found.status, found.canonical) == (DnsStatus.NXDOMAIN, "b.test")


@pytest.mark.parametrize(
    "response",
    [
        answer("A", records("CNAME", "b.test."), records("CNAME", "a.test.", name="b.test.")),
        answer("A", records("A", "192.0.2.1"), code=dns.rcode.NXDOMAIN),
    ],
    ids=["aliases in a circle", "an address of no name"],
)
def test_an_answer_that_contradicts_itself(response: dns.message.QueryMessage) -> None:
    with pytest.raises(DnsError) as caught:
        read_answer(response, question("A"), SERVER, read_ip)
    assert caught.value.status is DnsStatus.MALFORMED


def test_records_are_bounded_and_what_is_left_off_is_counted() -> None:
    many = records("MX", *(f"{n} mx{n}.test." for n in range(MOST_RECORDS + 7)))
    found = read_answer(answer("MX", many), question("MX"), SERVER, read_mx)
    assert (len(found.records), found.left_off) == (MOST_RECORDS, 7)


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=20))
def test_any_strings_are_joined_octet_by_octet(strings: list[bytes]) -> None:
    wire = b"".join(bytes((len(part),)) + part for part in strings)
    record = dns.rdata.from_wire("IN", "TXT", wire, 0, len(wire))
    assert read_text(record) == b"".join(strings)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=6), st.integers(0, 65_535))
def test_any_octets_in_a_name_are_shown_in_printable_ascii(
    labels: list[bytes], preference: int
) -> None:
    name = b"".join(bytes((len(part),)) + part for part in labels) + b"\0"
    wire = preference.to_bytes(2, "big") + name
    found = read_mx(dns.rdata.from_wire("IN", "MX", wire, 0, len(wire)))
    assert found.preference == preference
    assert found.host.isascii()
    assert found.host.isprintable()
    assert (found.host == ".") is (not labels)
    assert read_ptr(dns.rdata.from_wire("IN", "PTR", name, 0, len(name))) == found.host


@given(st.ip_addresses())
def test_any_address(address: IpAddress) -> None:
    rtype = "A" if address.version == 4 else "AAAA"
    assert read_ip(records(rtype, str(address))[0]) == address


def test_a_certificates_record() -> None:
    found = read_tlsa(records("TLSA", "2 0 1 " + "ab" * 32)[0])
    assert (found.usage, found.selector, found.matching) == (2, 0, 1)
    assert found.data == b"\xab" * 32


def family(status: DnsStatus, *texts: str, ttl: int = 60) -> DnsAnswer[IpAddress]:
    return DnsAnswer("a.test", "A", status, tuple(map(ip_address, texts)), ttl, True)


@pytest.mark.parametrize(
    ("v4", "v6", "status", "ttl"),
    [
        (family(DnsStatus.NOERROR, "192.0.2.1", ttl=9), family(DnsStatus.NODATA, ttl=1), "NOERROR", 9),
        (family(DnsStatus.NODATA, ttl=1), family(DnsStatus.NOERROR, "::1", ttl=9), "NOERROR", 9),
        (family(DnsStatus.NXDOMAIN), family(DnsStatus.NODATA, ttl=5), "NODATA", 5),
        (family(DnsStatus.NXDOMAIN), family(DnsStatus.NXDOMAIN), "NXDOMAIN", 60),
    ],
)  # fmt: skip
def test_two_families_are_one_answer(
    v4: DnsAnswer[IpAddress], v6: DnsAnswer[IpAddress], status: str, ttl: int
) -> None:
    found = joined(v4, v6)
    assert (found.status, found.ttl, found.rtype) == (status, ttl, "A/AAAA")
    assert found.records == (*v4.records, *v6.records)
    assert found.authenticated
