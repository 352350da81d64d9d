"""The PROXY header that a load balancer puts before a session, versions 1 and 2.

HAProxy's proxy-protocol.txt, sections 2.1 and 2.2. Pure: a plan in, octets out.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import struct

from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp_plan import ProxyPlan

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
MOST_V1 = 107
"""Octets of the longest header of version 1, its CRLF among them."""
COMMANDS = {"LOCAL": 0x20, "PROXY": 0x21}
FAMILIES = {"AF_UNSPEC": 0x00, "AF_INET": 0x10, "AF_INET6": 0x20, "AF_UNIX": 0x30}
TRANSPORTS = {"UNSPEC": 0, "STREAM": 1, "DGRAM": 2}
UNIX_PATH = 108


def proxy_header(plan: ProxyPlan) -> bytes:
    """The octets to send first; nothing for version 0. Raises UsageError."""
    if plan.version == 0:
        return b""
    if plan.raw:
        return _raw(plan)
    if plan.version == 1:
        return _version_1(plan)
    if plan.version == 2:
        return _version_2(plan)
    raise UsageError(f"there is no version {plan.version} of the PROXY header", where="PROXY")


def _raw(plan: ProxyPlan) -> bytes:
    """Version 1: the words after ``PROXY``; version 2: the whole header in Base64, since it is
    binary. ``base64:`` may stand before either."""
    text = plan.raw.removeprefix("base64:")
    if plan.version == 2 or text != plan.raw:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise UsageError(
                "a raw header of version 2 is given in Base64", where="PROXY"
            ) from error
    if not text.isascii() or not text.isprintable():
        raise UsageError("the header holds control characters", where="PROXY")
    return f"{text if text.startswith('PROXY') else f'PROXY {text}'}\r\n".encode("ascii")


def _version_1(plan: ProxyPlan) -> bytes:
    families = {"AF_INET": "TCP4", "AF_INET6": "TCP6", "AF_UNSPEC": "UNKNOWN"}
    word = families.get(_known(plan.family, FAMILIES, "family"))
    if word is None or plan.transport != "STREAM" or plan.command != "PROXY":
        raise UsageError(
            "version 1 knows TCP over IPv4 or IPv6, and UNKNOWN",
            where="PROXY",
            remedy="Use version 2.",
        )
    if word == "UNKNOWN":
        return b"PROXY UNKNOWN\r\n"
    source, destination = _address(plan.source, word), _address(plan.destination, word)
    ports = f"{_port(plan.source_port)} {_port(plan.destination_port)}"
    return f"PROXY {word} {source} {destination} {ports}\r\n".encode("ascii")


def _address(text: str, word: str) -> str:
    address = _ip(text)
    if address.version != (6 if word == "TCP6" else 4):
        raise UsageError(f"{text} does not belong to {word}", where="PROXY")
    return str(address)


def _version_2(plan: ProxyPlan) -> bytes:
    command = COMMANDS[_known(plan.command, COMMANDS, "command")]
    family = FAMILIES[_known(plan.family, FAMILIES, "family")]
    transport = TRANSPORTS[_known(plan.transport, TRANSPORTS, "transport")]
    addresses = _addresses(plan)
    return SIGNATURE + struct.pack("!BBH", command, family | transport, len(addresses)) + addresses


def _addresses(plan: ProxyPlan) -> bytes:
    if plan.family == "AF_UNSPEC" or (plan.command == "LOCAL" and not plan.source):
        return b""
    if plan.family == "AF_UNIX":
        return _path(plan.source) + _path(plan.destination)
    source, destination = _ip(plan.source), _ip(plan.destination)
    if {source.version, destination.version} != {6 if plan.family == "AF_INET6" else 4}:
        raise UsageError(f"the addresses do not belong to {plan.family}", where="PROXY")
    ports = struct.pack("!HH", _port(plan.source_port), _port(plan.destination_port))
    return source.packed + destination.packed + ports


def _path(text: str) -> bytes:
    octets = text.encode("utf-8", "surrogateescape")
    if len(octets) > UNIX_PATH:
        raise UsageError(f"a path has at most {UNIX_PATH} octets", where="PROXY")
    return octets.ljust(UNIX_PATH, b"\0")


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise UsageError(f"{text[:80]!r} is no IP address", where="PROXY") from error


def _port(number: int) -> int:
    if not 0 <= number <= 0xFFFF:
        raise UsageError(f"{number} is no port", where="PROXY")
    return number


def _known(word: str, table: dict[str, int], what: str) -> str:
    if word not in table:
        known = ", ".join(table)
        raise UsageError(f"{word[:40]!r} is no {what}", where="PROXY", remedy=f"Use {known}.")
    return word
