"""From what a person typed, or a record said, to a name that can be asked for, and back."""

from __future__ import annotations

import ipaddress
import string
from typing import TYPE_CHECKING

from smtpadmin.model.errors import UsageError
from smtpadmin.util.text import visible

if TYPE_CHECKING:
    import dns.name

MOST_TYPED = 255
"""Characters; longer is no name in any spelling, and IDNA's rules are slow on long ones."""
MOST_SHOWN = 80
_ALLOWED = frozenset((string.ascii_letters + string.digits + "-_").encode())
"""Host names (RFC 1123 section 2.1), and the underscore of service names (RFC 8552)."""


def is_address(text: str) -> bool:
    """``text`` is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def wire_name(text: str) -> dns.name.Name:
    """An absolute name in lower case; international names by IDNA 2008 (RFC 5891) after the
    mapping of UTS 46. Raises UsageError for what cannot be the name of a host or domain."""
    import dns.exception
    import dns.name

    typed = text.strip().removesuffix(".")
    if not typed:
        raise _refused(text, "no name was given")
    if is_address(typed.strip("[]")):
        raise _refused(text, "an IP address stands where a name is wanted")
    if len(typed) > MOST_TYPED:
        raise _refused(text, f"a name has at most {MOST_TYPED} characters")
    if "\\" in typed:
        raise _refused(text, "a name has no backslash")
    try:
        name = dns.name.from_text(f"{typed}.", idna_codec=dns.name.IDNA_2008_Practical)
    except (dns.exception.DNSException, ValueError) as error:
        raise _refused(text, _why(error)) from error
    if any(octet not in _ALLOWED for label in name.labels for octet in label):
        raise _refused(text, "a name has letters, digits, hyphens and dots only")
    return name.canonicalize()


def shown_name(name: dns.name.Name) -> str:
    """ASCII, lower case, no final dot; odd octets stay escaped (``\\000``), the root is ``.``."""
    return name.to_text(omit_final_dot=True).lower()


def _why(error: Exception) -> str:
    import dns.name

    if isinstance(error, dns.name.EmptyLabel):
        return "two dots follow each other, or one stands at the start"
    if isinstance(error, dns.name.LabelTooLong):
        return "a part between dots is longer than 63 octets"
    if isinstance(error, dns.name.NameTooLong):
        return "the name is longer than 255 octets"
    if isinstance(error, dns.name.NoIDNA2008):
        return "international names need the package idna, which is missing"
    reason = getattr(error, "kwargs", {}).get("idna_exception", error)
    return f"it is no valid international name ({visible(str(reason), MOST_SHOWN)})"


def _refused(text: str, why: str) -> UsageError:
    return UsageError(why, where=visible(text, MOST_SHOWN), remedy="Check the spelling.")
