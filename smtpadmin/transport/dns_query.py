"""One question to one name server: over UDP, over TCP when the answer does not fit, and what is
wrong with it in plain words. Which server, how often and for how long is the business of
``transport.dns``.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smtpadmin.model.dns import DnsError, DnsStatus, DnsTimeoutError, NameServer
from smtpadmin.transport.dns_name import shown_name
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    import dns.message
    import dns.name

PAYLOAD = 1232
"""Octets that UDP may bring: what passes every path unfragmented (DNS flag day 2020)."""
MOST_SHOWN = 120

_WORDS = {
    DnsStatus.SERVFAIL: (
        "the name server could not find the answer (SERVFAIL)",
        "The domain's own name servers do not answer, or its DNSSEC signatures are wrong: try later, "
        "or ask another name server.",
    ),
    DnsStatus.REFUSED: (
        "the name server refuses to answer (REFUSED)",
        "It does not serve this machine: choose another name server.",
    ),
    DnsStatus.TIMEOUT: (
        "no valid answer in time",
        "Check the name server's address, and firewalls in between (port 53, UDP and TCP).",
    ),
    DnsStatus.MALFORMED: (
        "the answer does not follow the DNS protocol",
        "Ask another name server.",
    ),
    DnsStatus.UNREACHABLE: (
        "the name server cannot be reached",
        "Check the network, and the name server's address.",
    ),
    DnsStatus.OTHER: ("the name server cannot answer this", "Ask another name server."),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a name and a record type."""

    name: dns.name.Name
    rtype: str

    def __str__(self) -> str:
        return f"{self.rtype} {shown_name(self.name)}"


def failure(
    status: DnsStatus, question: Question, server: NameServer | None = None, why: str = ""
) -> DnsError:
    """The error for ``status``, worded; ``why`` is the server's or the system's own word."""
    what, remedy = _WORDS[status]
    where = f"{question} at {server}" if server else str(question)
    what = f"{what}: {visible(why, MOST_SHOWN)}" if why else what
    if status is DnsStatus.TIMEOUT:
        return DnsTimeoutError(what, where=where, remedy=remedy)
    return DnsError(status, what, where=where, remedy=remedy)


async def ask(
    server: NameServer, question: Question, seconds: float, *, edns: bool = True
) -> dns.message.QueryMessage:
    """An answer that says something about the name (NOERROR or NXDOMAIN), within ``seconds``.
    Raises DnsError. What arrives over UDP and does not fit the question is passed over, for anyone
    may send it; over TCP it is an error."""
    import dns.message
    import dns.rcode

    response = await _exchange(server, question, seconds, edns)
    if not isinstance(response, dns.message.QueryMessage) or _is_cut(response):
        raise failure(DnsStatus.MALFORMED, question, server)
    code = response.rcode()
    if code in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return response
    known = {dns.rcode.SERVFAIL: DnsStatus.SERVFAIL, dns.rcode.REFUSED: DnsStatus.REFUSED}
    status = known.get(code, DnsStatus.OTHER)
    why = "; ".join(option.to_text() for option in response.extended_errors()[:2])
    if status is DnsStatus.OTHER:
        why = f"{dns.rcode.to_text(code)} {why}".strip()
    raise failure(status, question, server, why)


async def _exchange(
    server: NameServer, question: Question, seconds: float, edns: bool
) -> dns.message.Message:
    import dns.asyncbackend
    import dns.asyncquery
    import dns.exception

    query = _message(question, edns)
    try:
        async with asyncio.timeout(seconds):
            response, _ = await dns.asyncquery.udp_with_fallback(
                query, server.address, timeout=seconds, port=server.port, ignore_unexpected=True,
                ignore_errors=True, backend=dns.asyncbackend.get_backend("asyncio"),
            )  # fmt: skip
    except (TimeoutError, dns.exception.Timeout) as error:
        raise failure(DnsStatus.TIMEOUT, question, server) from error
    except OSError as error:
        # asyncio words a refused connection as "Connect call failed ...": the system's words are plainer.
        why = os.strerror(error.errno) if error.errno else str(error)
        raise failure(DnsStatus.UNREACHABLE, question, server, why) from error
    except (EOFError, ValueError, dns.exception.DNSException) as error:
        raise failure(DnsStatus.MALFORMED, question, server) from error
    return response


def _message(question: Question, edns: bool) -> dns.message.Message:
    """AD asks for the server's word on DNSSEC without its records (RFC 6840 section 5.7)."""
    import dns.flags
    import dns.message

    return dns.message.make_query(
        question.name, question.rtype, use_edns=0 if edns else False, payload=PAYLOAD,
        flags=dns.flags.RD | dns.flags.AD,
    )  # fmt: skip


def _is_cut(response: dns.message.Message) -> bool:
    """Still truncated although it came over TCP."""
    import dns.flags

    return bool(response.flags & dns.flags.TC)
