"""DKIM signatures (RFC 6376) and the ARC chain (RFC 8617) of a message, verified with dkimpy.

The keys are fetched first, by our resolver; the verification then runs in a thread and asks nobody.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from collections.abc import Callable, Mapping, Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from smtpadmin.formats.header_fields import split_header
from smtpadmin.model.authentication import ArcResult, DkimResult
from smtpadmin.model.dns import DnsError
from smtpadmin.model.errors import TotalDeadlineError, UsageError
from smtpadmin.model.message_view import Header
from smtpadmin.services.spf import Lookups
from smtpadmin.util.tasks import run_blocking_for

MOST_SIGNATURES = 10
MOST_SETS = 50
"""Instances of ARC (RFC 8617 section 4.2.1)."""
MOST_OCTETS = 30 * 1024 * 1024
VERIFY_S = 30.0
_TAG = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\s*=\s*([^;]*)")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")
_QUIET = logging.getLogger("dkimpy")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False

Keys = Mapping[str, bytes | str]
"""Name in the DNS -> the key record; or, as text, why there is none."""


async def check_signatures(
    raw: bytes, resolver: Lookups
) -> tuple[tuple[DkimResult, ...], ArcResult]:
    """Every DKIM signature, in the order of the header, and the ARC chain. Never raises for what the
    message or the DNS holds."""
    raw = _with_crlf(raw[:MOST_OCTETS])
    headers, _ = split_header(raw)
    signatures = _tags(headers, "dkim-signature")[:MOST_SIGNATURES]
    sets = [*_tags(headers, "arc-message-signature"), *_tags(headers, "arc-seal")][: 2 * MOST_SETS]
    keys = await _fetch([*signatures, *sets], resolver)
    try:
        dkim = await run_blocking_for(VERIFY_S, _verify_all, raw, signatures, keys)
        arc = await run_blocking_for(VERIFY_S, _verify_chain, raw, headers, keys)
    except TotalDeadlineError:
        slow = f"not verified within {VERIFY_S:g} s"
        return tuple(_named(tags, "temperror", slow) for tags in signatures), ArcResult(
            "temperror", (), slow
        )
    return dkim, arc


def _with_crlf(raw: bytes) -> bytes:
    return re.sub(rb"(?<!\r)\n", b"\r\n", raw)


def _tags(headers: Sequence[Header], name: str) -> list[dict[str, str]]:
    """Tag lists of all fields of a name; folding white space means nothing in the values used."""
    return [
        {
            tag: "".join(value.split())
            for tag, value in reversed(_TAG.findall(header.value[:20_000]))
        }
        for header in headers
        if header.name.lower() == name
    ]


def _key_name(tags: Mapping[str, str]) -> str | None:
    selector, domain = tags.get("s", ""), tags.get("d", "")
    if not (_NAME.fullmatch(selector) and _NAME.fullmatch(domain)):
        return None
    return f"{selector}._domainkey.{domain}".lower()


async def _fetch(
    signatures: Sequence[Mapping[str, str]], resolver: Lookups
) -> dict[str, bytes | str]:
    names = list(dict.fromkeys(filter(None, map(_key_name, signatures))))
    found = await asyncio.gather(*(_key(name, resolver) for name in names))
    return dict(zip(names, found, strict=True))


async def _key(name: str, resolver: Lookups) -> bytes | str:
    try:
        answer = await resolver.txt(name)
    except DnsError as error:
        return f"the DNS gave no answer for {name}: {error.what}"
    except UsageError as error:
        return f"{name} is no name: {error.what}"
    return answer.records[0] if answer.records else b""


def _verify_all(
    raw: bytes, signatures: Sequence[Mapping[str, str]], keys: Keys
) -> tuple[DkimResult, ...]:  # fmt: skip
    return tuple(_verify(raw, number, tags, keys) for number, tags in enumerate(signatures))


def _verify(raw: bytes, number: int, tags: Mapping[str, str], keys: Keys) -> DkimResult:
    import dkim

    name = _key_name(tags)
    key = keys.get(name, "") if name else ""
    if name is None:
        return _named(tags, "permerror", "the signature names no key")
    if isinstance(key, str):
        return _named(tags, "temperror", key)
    if not key:
        return _named(tags, "permerror", f"there is no key at {name}")
    unfit = _unfit(key)
    if unfit:
        return _named(tags, "permerror", unfit)
    try:
        verifier = dkim.DKIM(raw, logger=_QUIET, minkey=512)
        good = verifier.verify(idx=number, dnsfunc=_answering(keys))
    except dkim.DKIMException as error:
        words = str(error)
        broken = not isinstance(error, dkim.ValidationError) or "body hash" not in words.lower()
        return _named(tags, "permerror" if broken else "fail", words or type(error).__name__)
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        return _named(tags, "permerror", f"the signature or its key is malformed: {error}")
    bits = verifier.keysize or None
    if not good:
        return _named(tags, "fail", "the signature does not fit the header: it was changed", bits)
    if bits is not None and bits < 1024 and "rsa" in tags.get("a", ""):
        return _named(
            tags, "policy", f"a key of {bits} bits is too short to count (RFC 8301)", bits
        )
    return _named(tags, "pass", "the signature is right", bits)


def _unfit(key: bytes) -> str:
    """Why no signature can be checked with that record; dkimpy would call the signature wrong."""
    tags = {tag: "".join(value.split()) for tag, value in _TAG.findall(key.decode("latin-1"))}
    if not tags.get("p"):
        return "the key is revoked" if "p" in tags else "the record holds no key"
    try:
        octets = base64.b64decode(tags["p"], validate=True)
        if tags.get("k", "rsa") == "rsa":
            load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        return "the key is malformed"
    return ""


def _named(
    tags: Mapping[str, str], result: str, reason: str, bits: int | None = None
) -> DkimResult:
    signed = tuple(filter(None, tags.get("h", "").lower().split(":")))
    return DkimResult(
        result,
        tags.get("d", "").lower(),
        tags.get("s", ""),
        reason,
        tags.get("a", ""),
        bits,
        signed,
    )


def _verify_chain(raw: bytes, headers: Sequence[Header], keys: Keys) -> ArcResult:
    import dkim

    seals = _tags(headers, "arc-seal")
    if not seals:
        return ArcResult("none", (), "the message has no ARC set")
    numbered = sorted(
        seals, key=lambda tags: int(i) if (i := tags.get("i", ""))[:3].isdecimal() else 0
    )
    sealers = tuple(tags.get("d", "").lower() for tags in numbered)
    silent = [text for text in keys.values() if isinstance(text, str)]
    if len(seals) > MOST_SETS:
        return ArcResult("fail", sealers, f"more than {MOST_SETS} ARC sets")
    try:
        verifier = dkim.ARC(raw, logger=_QUIET, minkey=512)
        result, _, words = verifier.verify(dnsfunc=_answering(keys))
    except (dkim.DKIMException, ValueError, LookupError, TypeError, ArithmeticError) as error:
        return ArcResult("fail", sealers, f"the chain is malformed: {error}")
    if result == dkim.CV_Pass:
        return ArcResult("pass", sealers, f"{len(seals)} sets, all seals are right")
    if silent:
        return ArcResult("temperror", sealers, silent[0])
    return ArcResult("fail", sealers, str(words))


def _answering(keys: Keys) -> Callable[..., bytes | None]:
    def answer(name: bytes | str, timeout: float = 0) -> bytes | None:
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        key = keys.get(text.rstrip(".").lower())
        return key if isinstance(key, bytes) and key else None

    return answer
