"""DMARC evaluated (RFC 9989): is the author's domain the one that SPF or DKIM vouch for?

The organisational domain is found by walking up the DNS tree (section 4.10), eight questions at
most; no list of public suffixes is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

from smtpadmin.formats.dmarc_record import DmarcRecord, parse_dmarc
from smtpadmin.formats.header_fields import split_header
from smtpadmin.formats.mail_address import addresses_in
from smtpadmin.model.authentication import DkimResult, DmarcResult, SpfResult
from smtpadmin.model.dns import DnsError, DnsStatus
from smtpadmin.model.errors import UsageError
from smtpadmin.services.spf import Lookups

MOST_QUESTIONS = 8


class DmarcCheck:
    """One evaluation; answers of the DNS are asked for once."""

    def __init__(self, resolver: Lookups) -> None:
        self._resolver = resolver
        self._known: dict[str, DmarcRecord | None] = {}

    async def check(
        self, raw: bytes, spf: SpfResult | None, dkim: Sequence[DkimResult]
    ) -> DmarcResult:
        """The verdict on a message, with what SPF and DKIM said."""
        authors = _author_domains(raw)
        if len(authors) != 1:
            words = f"{len(authors)} domains in From" if authors else "From names no domain"
            return DmarcResult("permerror", "", "", "", False, False, words)
        domain = authors[0]
        try:
            return await self._evaluate(domain, spf, dkim)
        except DnsError as error:
            words = f"the DNS gave no answer: {error.what}"
            return DmarcResult("temperror", domain, "", "", False, False, words)

    async def _evaluate(
        self, domain: str, spf: SpfResult | None, dkim: Sequence[DkimResult]
    ) -> DmarcResult:
        walked = await self._walk(domain)
        organisation = _organisation(domain, walked)
        place = domain if domain in walked else organisation
        if place not in walked:
            place = next(iter(walked), "")
        if place not in walked:
            words = f"neither {domain} nor a domain above it publishes a DMARC record"
            return DmarcResult("none", domain, "", "", False, False, words)
        record = walked[place]
        by_dkim = await self._by_dkim(domain, dkim, organisation, record)
        by_spf = await self._by_spf(domain, spf, organisation, record)
        unknown = any(result.result == "temperror" for result in (*dkim, *((spf,) if spf else ())))
        result, reason = _verdict(by_dkim, by_spf, unknown, record)
        policy = await self._policy(domain, place, record)
        return DmarcResult(result, domain, policy, place, bool(by_spf), bool(by_dkim), reason)

    async def _by_dkim(
        self, domain: str, dkim: Sequence[DkimResult], organisation: str, record: DmarcRecord
    ) -> str:  # fmt: skip
        """The domain of the first signature that passes and counts."""
        for result in dkim:
            if result.result == "pass" and await self._aligned(
                domain, result.domain, organisation, record.strict_dkim
            ):
                return result.domain
        return ""

    async def _by_spf(
        self, domain: str, spf: SpfResult | None, organisation: str, record: DmarcRecord
    ) -> str:  # fmt: skip
        """The domain that SPF passes for, when it counts."""
        if spf is None or spf.result != "pass":
            return ""
        other = spf.domain.lower().rstrip(".")
        counts = await self._aligned(domain, other, organisation, record.strict_spf)
        return other if counts else ""

    async def _policy(self, domain: str, place: str, record: DmarcRecord) -> str:
        if place == domain:
            return record.policy
        return record.missing_policy if await self._is_missing(domain) else record.subdomain_policy

    async def _is_missing(self, domain: str) -> bool:
        """Whether the author's domain does not exist (section 3.2.14)."""
        try:
            return (await self._resolver.txt(domain)).status is DnsStatus.NXDOMAIN
        except UsageError:
            return True

    async def _aligned(self, author: str, other: str, organisation: str, strict: bool) -> bool:
        if author == other or strict or not other:
            return author == other
        if not (other.endswith(f".{organisation}") or other == organisation):
            return False
        return _organisation(other, await self._walk(other)) == organisation

    async def _walk(self, domain: str) -> dict[str, DmarcRecord]:
        """Records of a domain and those above it, the longest name first; a record with ``psd``
        ends the walk (section 4.10)."""
        found: dict[str, DmarcRecord] = {}
        for name in _tree(domain):
            record = await self._record(name)
            if record is None:
                continue
            found[name] = record
            if record.psd != "u":
                break
        return found

    async def _record(self, name: str) -> DmarcRecord | None:
        if name not in self._known:
            try:
                answer = await self._resolver.txt(f"_dmarc.{name}")
            except UsageError:
                return None
            records = [r for r in map(parse_dmarc, answer.records) if r is not None]
            self._known[name] = records[0] if len(records) == 1 else None
        return self._known[name]


def _verdict(by_dkim: str, by_spf: str, unknown: bool, record: DmarcRecord) -> tuple[str, str]:
    if by_dkim:
        return "pass", f"a DKIM signature of {by_dkim} is aligned"
    if by_spf:
        return "pass", f"SPF of {by_spf} is aligned"
    if unknown:
        return "temperror", "SPF or DKIM could not be checked"
    words = "neither SPF nor DKIM passes for the author's domain"
    return "fail", f"{words}; the policy is being tested (t=y)" if record.testing else words


def _tree(domain: str) -> list[str]:
    """Names to ask: the domain, then at most seven above it (section 4.10)."""
    labels = domain.split(".")
    names = [".".join(labels[n:]) for n in range(len(labels))]
    return names if len(names) <= MOST_QUESTIONS else [names[0], *names[-(MOST_QUESTIONS - 1) :]]


def _organisation(domain: str, walked: dict[str, DmarcRecord]) -> str:
    """Section 4.10.2: where ``psd=n`` stands; one label below ``psd=y``; else the shortest name with
    a record; else the domain itself."""
    for name, record in walked.items():
        if record.psd == "n":
            return name
        if record.psd == "y" and name != domain:
            count = name.count(".") + 2
            return ".".join(domain.split(".")[-count:])
    return min(walked, key=lambda name: name.count("."), default=domain)


def _author_domains(raw: bytes) -> list[str]:
    headers, _ = split_header(raw)
    fields = [header.value for header in headers if header.name.lower() == "from"]
    found = []
    for value in fields:
        angled = [part.partition(">")[0] for part in value[:10_000].split("<")[1:]]
        found += addresses_in(" ".join(angled)) or addresses_in(value[:10_000])
    return list(dict.fromkeys(a.rpartition("@")[2].lower().rstrip(".") for a in found))
