"""From what came over the wire to records: through aliases, bounded, one reader for each type."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from smtpadmin.model.dns import DnsAnswer, DnsStatus, IpAddress, MxHost, NameServer, TlsaRecord
from smtpadmin.transport.dns_name import shown_name
from smtpadmin.transport.dns_query import Question, failure

if TYPE_CHECKING:
    import dns.message

MOST_RECORDS = 100
"""Of one answer. What they hold is bounded by the message: 64 KiB (RFC 1035 section 4.2.2)."""

T = TypeVar("T")


def read_answer(
    response: dns.message.QueryMessage,
    question: Question,
    server: NameServer,
    read: Callable[[Any], T],
) -> DnsAnswer[T]:
    """The records of an answer with the code NOERROR or NXDOMAIN. Raises DnsError for one that
    contradicts itself or whose aliases do not end."""
    import dns.exception
    import dns.flags
    import dns.rcode

    try:
        chain = response.resolve_chaining()
    except dns.exception.DNSException as error:
        raise failure(DnsStatus.MALFORMED, question, server) from error
    found = chain.answer if chain.answer is not None else ()
    status = DnsStatus.NOERROR if found else DnsStatus.NODATA
    if response.rcode() == dns.rcode.NXDOMAIN:
        status = DnsStatus.NXDOMAIN
    return DnsAnswer(
        name=shown_name(question.name),
        rtype=question.rtype,
        status=status,
        records=tuple(read(record) for record in islice(found, MOST_RECORDS)),
        ttl=chain.minimum_ttl,
        authenticated=bool(response.flags & dns.flags.AD),
        server=server,
        canonical=shown_name(chain.canonical_name),
        left_off=max(0, len(found) - MOST_RECORDS),
    )


def joined(v4: DnsAnswer[IpAddress], v6: DnsAnswer[IpAddress]) -> DnsAnswer[IpAddress]:
    """Both as one answer: there is an address if either has one, and a name if either knows it."""
    telling = [answer for answer in (v4, v6) if answer.records] or [v4, v6]
    statuses = {v4.status, v6.status}
    best = (DnsStatus.NOERROR, DnsStatus.NODATA, DnsStatus.NXDOMAIN)
    return replace(
        telling[0],
        rtype="A/AAAA",
        status=next(status for status in best if status in statuses),
        records=(*v4.records, *v6.records),
        ttl=min(answer.ttl for answer in telling),
        authenticated=v4.authenticated and v6.authenticated,
        left_off=v4.left_off + v6.left_off,
    )


def read_mx(record: Any) -> MxHost:
    """RFC 1035 section 3.3.9."""
    return MxHost(record.preference, shown_name(record.exchange))


def read_ip(record: Any) -> IpAddress:
    """A (RFC 1035 section 3.4.1) or AAAA (RFC 3596 section 2.2)."""
    return ipaddress.ip_address(record.address)


def read_ptr(record: Any) -> str:
    """RFC 1035 section 3.3.12."""
    return shown_name(record.target)


def read_text(record: Any) -> bytes:
    """The strings of a TXT record joined as they stand, without a space (RFC 7208 section 3.3)."""
    return b"".join(record.strings)


def read_tlsa(record: Any) -> TlsaRecord:
    """RFC 6698 section 2.1."""
    return TlsaRecord(record.usage, record.selector, record.mtype, bytes(record.cert))
