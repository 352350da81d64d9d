"""A server's certificates explained: who, for which names, until when, and what is wrong with each.

RFC 5280, RFC 9525 (names), RFC 9325 (keys and hashes). Pure: DER in, facts out.
"""

from __future__ import annotations

import hashlib
import ipaddress
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from smtpadmin.model.smtp import CertificateFacts
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    from cryptography import x509

MOST_CERTIFICATES = 10
MOST_NAMES = 100
MOST_NAME = 300
FEWEST_RSA_BITS = 2048
FEWEST_EC_BITS = 224
WEAK_HASHES = ("md5", "sha1")


def explain_chain(
    chain: Sequence[bytes], host: str, now: datetime, *, trusted: bool | None = None
) -> tuple[CertificateFacts, ...]:
    """The server's own certificate comes first. ``host`` is the name that it must have, empty when
    none is asked for; ``trusted`` what verifying the whole said, None when nobody did."""
    loaded = [load(der) for der in chain[:MOST_CERTIFICATES]]
    facts = []
    for place, (der, certificate) in enumerate(zip(chain, loaded, strict=False)):
        if certificate is None:
            facts.append(CertificateFacts("", "", problems=("It cannot be read.",)))
            continue
        above = loaded[place + 1] if place + 1 < len(loaded) else None
        problems = _problems(
            certificate, above, place, host, now, last_is_untrusted=trusted is False
        )
        facts.append(_facts(der, certificate, problems))
    return tuple(facts)


def load(der: bytes) -> x509.Certificate | None:
    """None for what cannot be read. What is only against RFC 5280 (a serial number of zero) is read
    without a word: real authorities have it."""
    from cryptography import x509

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return x509.load_der_x509_certificate(der)
        except ValueError:
            return None


def _facts(der: bytes, one: x509.Certificate, problems: Sequence[str]) -> CertificateFacts:
    return CertificateFacts(
        subject=_name(one.subject),
        issuer=_name(one.issuer),
        names=tuple(names_of(one)),
        not_before=f"{one.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        not_after=f"{one.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        key=_key(one)[0],
        signature=_signature(one),
        fingerprint=hashlib.sha256(der).hexdigest(),
        problems=tuple(problems),
    )


def _problems(
    one: x509.Certificate,
    above: x509.Certificate | None,
    place: int,
    host: str,
    now: datetime,
    *,
    last_is_untrusted: bool,
) -> list[str]:
    found = _dates(one, now) + _strength(one)
    own = one.subject == one.issuer
    if place == 0 and host:
        found += _name_problems(one, host)
    if place == 0 and own:
        found.append("It is signed by itself, by no authority.")
    if place > 0 and not _is_authority(one):
        found.append("It stands in the chain but is no authority (basicConstraints).")
    if above is not None and above.subject != one.issuer:
        found.append(
            f"Its issuer is {_name(one.issuer)}, but the next in the chain is {_name(above.subject)}."
        )
    elif above is not None and not _signed_by(one, above):
        found.append("The next in the chain did not sign it, whatever its name says.")
    if above is None and last_is_untrusted and not own:
        found.append(f"Its issuer {_name(one.issuer)} is not among the trusted authorities.")
    if above is None and last_is_untrusted and own and place > 0:
        found.append("This authority is not among the trusted ones.")
    return found


def _dates(one: x509.Certificate, now: datetime) -> list[str]:
    now = now.astimezone(UTC)
    if one.not_valid_after_utc < now:
        return [f"It has expired, {(now - one.not_valid_after_utc).days} days ago."]
    if one.not_valid_before_utc > now:
        return [f"It is not valid before {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC."]
    return []


def _strength(one: x509.Certificate) -> list[str]:
    found = []
    name, bits, is_rsa = _key(one)
    if bits and bits < (FEWEST_RSA_BITS if is_rsa else FEWEST_EC_BITS):
        found.append(f"Its key is too short ({name}).")
    if _signature(one) in WEAK_HASHES and one.subject != one.issuer:
        found.append(f"It is signed over {_signature(one).upper()}, which can be forged.")
    return found


def _name_problems(one: x509.Certificate, host: str) -> list[str]:
    names = names_of(one)
    if matches(names, host):
        return []
    if not names:
        return ["It names no host (subjectAltName): a name in the subject does not count any more."]
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return [f"It is for {shown}, not for {visible(host, 100)}."]


def names_of(one: x509.Certificate) -> list[str]:
    """DNS names and addresses for which a certificate was made."""
    from cryptography import x509

    try:
        found = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    dns = found.get_values_for_type(x509.DNSName)
    addresses = found.get_values_for_type(x509.IPAddress)
    return [visible(str(name), MOST_NAME) for name in (*dns, *addresses)][:MOST_NAMES]


def matches(names: Sequence[str], host: str) -> bool:
    """Whether one of the names is this host: RFC 9525 section 6.3, a wildcard being the whole
    leftmost label."""
    try:
        wanted = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return any(
            _matches_name(name.lower().rstrip("."), host.lower().rstrip(".")) for name in names
        )
    return str(wanted) in names


def _matches_name(pattern: str, host: str) -> bool:
    if pattern == host:
        return bool(host)
    label, dot, rest = host.partition(".")
    return pattern.startswith("*.") and bool(label and dot) and "." in rest and pattern[2:] == rest


def _is_authority(one: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return one.version is x509.Version.v1


def _signed_by(one: x509.Certificate, above: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        one.verify_directly_issued_by(above)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _key(one: x509.Certificate) -> tuple[str, int, bool]:
    """What it is, its bits, whether it is RSA (or DSA, which needs as many)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

    try:
        key = one.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "unknown", 0, False
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey):
        kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else "DSA"
        return f"{kind} {key.key_size}", key.key_size, True
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}", key.curve.key_size, False
    return type(key).__name__.strip("_").removesuffix("PublicKey"), 0, False


def _signature(one: x509.Certificate) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        algorithm = one.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return "unknown"
    return algorithm.name if algorithm is not None else "none of its own"


def _name(name: x509.Name) -> str:
    return visible(name.rfc4514_string(), MOST_NAME)
