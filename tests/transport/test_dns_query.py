"""One question to one server: what is taken for an answer, and the words for what is not."""

from __future__ import annotations

import asyncio
import contextlib

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.dns import DnsError, DnsStatus, NameServer
from smtpadmin.transport.dns_name import wire_name
from smtpadmin.transport.dns_query import Question, ask, failure
from tests.support.dns_server import answering, coded, garbage, told_name_server
from tests.support.odd_server import Talk

SLOW_S = 60.0
QUESTION = Question(wire_name("mail.test"), "MX")
MX = dns.rrset.from_text("mail.test.", 300, "IN", "MX", "10 mx1.mail.test.")


def cut(response: dns.message.Message) -> None:
    response.flags |= dns.flags.TC


def says(message: bytes) -> Talk:
    """Over TCP: reads one question, answers ``message`` as it stands, closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        writer.write(message)
        await writer.drain()

    return talk


async def still_cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    answer = answering(cut)(query)
    writer.write(len(answer).to_bytes(2, "big") + answer)
    await writer.drain()


async def test_a_question_asks_for_recursion_and_for_the_word_on_dnssec() -> None:
    async with told_name_server(coded(dns.rcode.NOERROR)) as (server, told):
        await ask(server, QUESTION, SLOW_S)
        await ask(server, QUESTION, SLOW_S, edns=False)
    first, second = told.asked
    assert first.flags == dns.flags.RD | dns.flags.AD
    assert (first.edns, first.payload, first.ednsflags) == (0, 1232, 0)
    assert second.edns == -1
    assert str(QUESTION) == "MX mail.test"


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x00\x00", b"\xff\xff", b"\x00\x15220 mail.test ESMTP\r\n", b"\x00\x0c" + bytes(12)],
)
async def test_garbage_over_tcp_is_not_dns(answer: bytes) -> None:
    async with told_name_server(answering(cut), says(answer)) as (server, _):
        with pytest.raises(DnsError, match="does not follow the DNS protocol") as caught:
            await ask(server, QUESTION, SLOW_S)
    assert caught.value.status is DnsStatus.MALFORMED
    assert caught.value.where == f"MX mail.test at {server}"


async def test_what_does_not_even_fit_over_tcp_is_no_answer() -> None:
    async with told_name_server(answering(cut), still_cut) as (server, _):
        with pytest.raises(DnsError) as caught:
            await ask(server, QUESTION, SLOW_S)
    assert caught.value.status is DnsStatus.MALFORMED


async def test_no_tcp_where_it_is_needed_is_said() -> None:
    async with told_name_server(answering(cut)) as (server, _):
        with pytest.raises(DnsError, match=r"cannot be reached: .*refused") as caught:
            await ask(server, QUESTION, SLOW_S)
    assert caught.value.status is DnsStatus.UNREACHABLE


def forged(query: bytes) -> bytes:
    """The right answer to another question: its number is wrong."""
    return bytes((query[0] ^ 0xFF,)) + coded(dns.rcode.NXDOMAIN)(query)[1:]


async def test_noise_over_udp_is_passed_over() -> None:
    right = answering(lambda response: response.answer.append(MX))

    def say(query: bytes) -> list[bytes]:
        return [garbage(query), forged(query), b"", right(query)]

    async with told_name_server(say) as (server, _):
        response = await ask(server, QUESTION, SLOW_S)
    assert response.answer == [MX]


async def test_the_servers_reason_is_shown_and_made_safe() -> None:
    def bogus(response: dns.message.Message) -> None:
        response.set_rcode(dns.rcode.SERVFAIL)
        reason = dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS, "bad\u202e\x1b[31m" + "x" * 400)
        response.use_edns(0, options=[reason])

    async with told_name_server(answering(bogus)) as (server, _):
        with pytest.raises(DnsError) as caught:
            await ask(server, QUESTION, SLOW_S)
    assert "DNSSEC Bogus" in caught.value.what
    assert caught.value.what.isprintable()
    assert len(caught.value.what) < 250


@pytest.mark.parametrize("status", list(DnsStatus)[3:])
def test_each_failure_has_words_and_a_remedy(status: DnsStatus) -> None:
    error = failure(status, QUESTION, NameServer("192.0.2.53"))
    assert error.status is status
    assert error.where == "MX mail.test at 192.0.2.53:53"
    assert error.what
    assert error.remedy
    assert isinstance(error, TimeoutError) is (status is DnsStatus.TIMEOUT)


@given(st.binary(max_size=120), st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255))))
def test_what_reads_answers_raises_what_ask_catches(
    noise: bytes, changes: list[tuple[int, int]]
) -> None:
    response = dns.message.make_response(dns.message.make_query("mail.test", "MX"))
    response.answer.append(MX)
    wire = bytearray(response.to_wire())
    for place, octet in changes:
        wire[place % len(wire)] = octet
    for message in (bytes(wire), bytes(wire) + noise, noise):
        with contextlib.suppress(dns.exception.DNSException, ValueError, EOFError):
            dns.message.from_wire(message)
