"""Authentication of a caught message as a receiver would find it: the DNS is asked for DKIM keys and
for DMARC, and for SPF and the reverse name when the client's address means something out there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from smtpadmin.model.authentication import Authentication
from smtpadmin.model.catch import CaughtMessage
from smtpadmin.model.message_check import MessageCheck, MessageVerdict
from smtpadmin.services.authentication import authenticate
from smtpadmin.services.spf import Lookups
from smtpadmin.util.text import visible

_VERDICTS = {
    "pass": MessageVerdict.PASS, "none": MessageVerdict.WARN, "neutral": MessageVerdict.WARN,
    "softfail": MessageVerdict.WARN, "policy": MessageVerdict.WARN, "fail": MessageVerdict.FAIL,
    "permerror": MessageVerdict.FAIL, "temperror": MessageVerdict.UNTESTED,
}  # fmt: skip


async def authentication_checks(
    message: CaughtMessage, resolver: Lookups
) -> tuple[MessageCheck, ...]:
    """The checks that need the DNS. What it does not tell is ``untested``, never ``fail``."""
    client = _public(message.client)
    found = await authenticate(
        message.raw, resolver, client=client,
        helo=message.helo if client else "", mail_from=message.sender if client else "",
    )  # fmt: skip
    return tuple(_checks(found))


def _public(client: str) -> str:
    """The address, when a policy in the DNS can name it; empty otherwise."""
    try:
        return client if ipaddress.ip_address(client).is_global else ""
    except ValueError:
        return ""


def _checks(found: Authentication) -> Iterator[MessageCheck]:
    for signature in found.dkim:
        who = f"{signature.domain} ({signature.selector})"
        yield _check("dkim", signature.result, f"signature of {who}", signature.reason)
    if not found.dkim:
        yield MessageCheck(
            "dkim", MessageVerdict.WARN, "there is no signature",
            fix="Sign with DKIM (RFC 6376): large receivers ask for it.",
        )  # fmt: skip
    if found.arc.result != "none":
        yield _check("arc", found.arc.result, "chain of seals", found.arc.reason)
    dmarc = found.dmarc
    policy = f"policy {dmarc.policy} of {dmarc.found_at}" if dmarc.policy else "no policy"
    yield _check("dmarc", dmarc.result, f"{dmarc.domain or 'no domain'}: {policy}", dmarc.reason)
    if found.spf is None:
        yield MessageCheck(
            "spf", MessageVerdict.UNTESTED, "the client is no public address",
            "SPF and the reverse name are those of the server that sends to the world.",
        )  # fmt: skip
        return
    yield _check("spf", found.spf.result, f"{found.spf.domain} (MAIL FROM)", found.spf.reason)
    if found.iprev is not None:
        yield _check("iprev", found.iprev.result, "reverse name", found.iprev.reason)


def _check(name: str, result: str, summary: str, reason: str) -> MessageCheck:
    verdict = _VERDICTS.get(result, MessageVerdict.WARN)
    return MessageCheck(name, verdict, visible(f"{summary}: {result}", 300), visible(reason, 600))
