"""What DANE and MTA-STS want of a mail host, found out before a session. RFC 7672, RFC 8461.

What could not be found out is said in words and never read as "there is none".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from smtpadmin.formats.mta_sts import covers, is_sts_record, parse_policy
from smtpadmin.model.dns import DnsError
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.smtp_plan import SendPlan
from smtpadmin.transport.dns import Resolver
from smtpadmin.transport.tls_verdict import PolicyWords

Fetch = Callable[[str], Awaitable[bytes]]


async def policy_for(
    plan: SendPlan, domain: str, resolver: Resolver, fetch: Fetch | None = None
) -> PolicyWords:
    """For the host and port of the plan; ``domain`` is the recipient's, whose MTA-STS counts."""
    words = PolicyWords()
    target = plan.target
    if plan.tls.dane:
        words = await _dane(words, target.host, target.port, resolver)
    if plan.tls.mta_sts and domain:
        words = await _mta_sts(words, target.host, domain, resolver, fetch or fetch_policy)
    return words


async def _dane(words: PolicyWords, host: str, port: int, resolver: Resolver) -> PolicyWords:
    try:
        answer = await resolver.tlsa(host, port)
    except SmtpadminError as error:
        return replace(words, dane=f"unknown ({error.what})")
    if not answer.records:
        return replace(words, dane="no TLSA records")
    if not answer.authenticated:
        count = len(answer.records)
        return replace(
            words, dane=f"{count} TLSA records, but DNSSEC does not prove them: not used"
        )
    return replace(words, tlsa=answer.records, dane="TLSA records that cannot be used (RFC 7672)")


async def _mta_sts(
    words: PolicyWords, host: str, domain: str, resolver: Resolver, fetch: Fetch
) -> PolicyWords:
    try:
        answer = await resolver.txt(f"_mta-sts.{domain}")
    except DnsError as error:
        return replace(words, mta_sts=f"unknown ({error.what})")
    if sum(map(is_sts_record, answer.records)) != 1:
        return replace(words, mta_sts=f"{domain} has no MTA-STS")
    try:
        policy = parse_policy(await fetch(domain))
    except SmtpadminError as error:
        return replace(words, mta_sts=f"announced, but without a policy ({error.what})")
    said = f"policy {policy.mode}"
    if policy.mode != "none" and not covers(policy, host):
        return replace(words, mta_sts=f"{said}: {host} is not among its MX hosts")
    return replace(words, mta_sts=said, sts_enforced=policy.mode != "none")


async def fetch_policy(domain: str) -> bytes:
    """From the address that RFC 8461 section 3.3 names; a redirect is not followed."""
    from smtpadmin.transport.http import HttpTransport

    http = HttpTransport(f"https://mta-sts.{domain}", "")
    try:
        return await http.get("/.well-known/mta-sts.txt")
    finally:
        await http.close()
