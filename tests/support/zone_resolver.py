"""Answers of the DNS from a table, for evaluations whose questions are many and odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from smtpadmin.model.dns import (
    DnsAnswer,
    DnsStatus,
    DnsTimeoutError,
    IpAddress,
    MailHosts,
    MailRoute,
    MxHost,
)
from smtpadmin.transport.dns_name import wire_name

Zone = Mapping[str, Sequence[Any]]


class ZoneResolver:
    """``zone``: name -> records, each ``{type: value}`` or ``"TIMEOUT"``, as the SPF suite has them.
    ``asked`` counts questions."""

    def __init__(self, zone: Zone) -> None:
        self._zone = {name.lower().rstrip("."): records for name, records in zone.items()}
        self.asked = 0

    def _records(self, name: str, kind: str, depth: int = 0) -> tuple[DnsStatus, list[Any]]:
        self.asked += 1
        wire_name(name)
        found = self._zone.get(name.lower().rstrip("."))
        if found is None:
            return DnsStatus.NXDOMAIN, []
        values = [
            record[kind] for record in found if isinstance(record, Mapping) and kind in record
        ]
        alias = [r["CNAME"] for r in found if isinstance(r, Mapping) and "CNAME" in r]
        if alias and not values and depth < 8:
            return self._records(alias[0], kind, depth + 1)
        timed_out = "TIMEOUT" in values
        values = [value for value in values if value != "NONE"]
        if timed_out or (not values and "TIMEOUT" in found):
            raise DnsTimeoutError("no answer", where=name)
        return (DnsStatus.NOERROR if values else DnsStatus.NODATA), values

    async def txt(self, name: str) -> DnsAnswer[bytes]:
        status, values = self._records(name, "TXT")
        if not values and "NONE" not in [
            r.get("TXT")
            for r in self._zone.get(name.lower().rstrip("."), ())
            if isinstance(r, Mapping)
        ]:
            status, values = self._records(name, "SPF")
        texts = tuple(
            (value if isinstance(value, str) else "".join(value)).encode("utf-8")
            for value in values
        )
        return DnsAnswer(name, "TXT", status, texts)

    async def addresses(self, host: str) -> DnsAnswer[IpAddress]:
        status, four = self._records(host, "A")
        _, six = self._records(host, "AAAA")
        found = tuple(ip_address(text) for text in (*four, *six))
        return DnsAnswer(host, "A", DnsStatus.NOERROR if found else status, found)

    async def reverse(self, address: str) -> DnsAnswer[str]:
        name = ip_address(address).reverse_pointer
        status, names = self._records(name, "PTR")
        return DnsAnswer(name, "PTR", status, tuple(names))

    async def mx(self, domain: str) -> MailHosts:
        status, values = self._records(domain, "MX")
        hosts = tuple(MxHost(int(preference), host or ".") for preference, host in values)
        answer = DnsAnswer(domain, "MX", status, hosts)
        return MailHosts(domain, MailRoute.LISTED if hosts else MailRoute.NOWHERE, hosts, answer)
