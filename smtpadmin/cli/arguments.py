"""Values of options that several commands read: addresses, durations."""

from __future__ import annotations

from smtpadmin.model.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_address(text: str, where: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``[IPv6]:PORT``; port 0 takes any free one. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(
            f"{text!r} is not HOST:PORT", where=where, remedy="For example 127.0.0.1:2525."
        )
    return (host.strip("[]"), int(port))


def address_text(address: tuple[str, int]) -> str:
    """The other way round."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_duration(text: str, where: str) -> float:
    """``30s``, ``2m``, ``4h``, ``5d``, or seconds. Raises UsageError."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in UNITS else (text, "s")
    if not number.replace(".", "", 1).isdecimal() or float(number) <= 0:
        raise UsageError(
            f"{text!r} is not a duration", where=where, remedy="For example 30s, 2m or 5d."
        )
    return float(number) * UNITS[unit]
