"""An MTA-STS policy as it is fetched, and whether it covers a host. RFC 8461 sections 3.2 and 4.1."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smtpadmin.model.errors import ProtocolError

MOST_OCTETS = 64 * 1024
MOST_AGE = 31_557_600
_FIELD = re.compile(r"([A-Za-z0-9_.-]{1,32})[ \t]*:[ \t]*(.*?)[ \t]*")


@dataclass(frozen=True, slots=True)
class Policy:
    """``mode`` is ``enforce``, ``testing`` or ``none``; ``max_age`` in seconds."""

    mode: str
    mx: tuple[str, ...]
    max_age: int


def parse_policy(octets: bytes) -> Policy:
    """Raises ProtocolError for what is no policy. Unknown fields are passed over."""
    if len(octets) > MOST_OCTETS:
        raise ProtocolError("the MTA-STS policy is too long")
    fields: dict[str, str] = {}
    mx: list[str] = []
    for line in octets.decode("utf-8", "replace").splitlines():
        found = _FIELD.fullmatch(line)
        if found and found[1] == "mx":
            mx.append(found[2].lower())
        elif found:
            fields.setdefault(found[1], found[2])
    if fields.get("version") != "STSv1":
        raise ProtocolError("the MTA-STS policy is not of version STSv1")
    mode, age = fields.get("mode", ""), fields.get("max_age", "")
    if mode not in ("enforce", "testing", "none"):
        raise ProtocolError("the MTA-STS policy has no mode that is known")
    if not (age.isascii() and age.isdigit() and len(age) <= 10 and int(age) <= MOST_AGE):
        raise ProtocolError("the MTA-STS policy has no max_age")
    if mode != "none" and not mx:
        raise ProtocolError("the MTA-STS policy names no MX host")
    return Policy(mode, tuple(mx), int(age))


def covers(policy: Policy, host: str) -> bool:
    """Whether an MX host is one of the policy's; a wildcard is one leftmost label."""
    host = host.lower().rstrip(".")
    return any(
        pattern == host or (pattern.startswith("*.") and pattern[1:] == host[host.find(".") :])
        for pattern in policy.mx
        if host
    )


def is_sts_record(text: bytes) -> bool:
    """Whether a TXT record of ``_mta-sts`` announces a policy (section 3.1)."""
    return re.match(rb"v=STSv1[ \t]*(;|$)", text) is not None
