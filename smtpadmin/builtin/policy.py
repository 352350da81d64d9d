"""Who may send what to whom: relay protection and limits, as replies. Pure functions.

A reply is None (go on) or a line with an SMTP reply code and an enhanced status code.
"""

from __future__ import annotations

import fnmatch
import ipaddress

from smtpadmin.builtin.config import ServerConfig
from smtpadmin.formats.message_header import header_is_too_long

RELAY_DENIED = "554 5.7.1 <{}>: Relay access denied"
NO_SUCH_USER = "550 5.1.1 <{}>: Recipient address rejected: User unknown"
TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients"
BAD_ADDRESS = "501 5.1.3 Bad recipient address syntax"
BAD_SENDER = "501 5.1.7 Bad sender address syntax"
NEEDS_UTF8 = "553 5.6.7 Address is not ASCII, but SMTPUTF8 was not asked for"
NUL = "554 5.6.0 Message holds NUL octets (RFC 5322 section 2.3)"
LONG_HEADER = "552 5.3.4 Message header is too long"
MOST_ADDRESS = 320
LOOP = "554 5.4.6 Too many hops: this message loops"
TOO_BIG = "552 5.3.4 Message size exceeds fixed limit of {} octets"


def domain_of(address: str) -> str:
    """The domain in lower case; empty for an address without one."""
    return address.rpartition("@")[2].lower().rstrip(".") if "@" in address else ""


def full_address(config: ServerConfig, address: str) -> str:
    """The address, or this server's postmaster for a bare ``postmaster`` (RFC 5321 section
    4.5.1)."""
    if address.lower() == "postmaster" and config.local_domains:
        return f"{address}@{next(iter(config.local_domains))}"
    return address


def is_trusted(config: ServerConfig, client_address: str) -> bool:
    """Whether the client's network may relay."""
    try:
        address = ipaddress.ip_address(client_address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return any(
        address.version == network.version and address in network
        for network in config.relay_networks
    )


def sender_reply(address: str, *, smtputf8: bool) -> str | None:
    """Whether an envelope sender is taken; ``""`` is the null sender."""
    if not address:
        return None
    return _address_reply(address, BAD_SENDER, smtputf8=smtputf8)


def _address_reply(address: str, bad: str, *, smtputf8: bool) -> str | None:
    if len(address) > MOST_ADDRESS or not address.isprintable() or not domain_of(address):
        return bad
    return None if smtputf8 or address.isascii() else NEEDS_UTF8


def recipient_reply(
    config: ServerConfig, address: str, *, trusted: bool, already: int, smtputf8: bool = False
) -> str | None:
    """Whether one more recipient is taken, after ``already`` ones; ``trusted`` clients relay."""
    if already >= config.limits.recipients:
        return TOO_MANY_RECIPIENTS
    problem = _address_reply(address, BAD_ADDRESS, smtputf8=smtputf8)
    if problem is not None:
        return problem
    if domain_of(address) not in config.local_domains:
        return None if trusted else RELAY_DENIED.format(address)
    return None if has_mailbox(config, address) else NO_SUCH_USER.format(address)


def has_mailbox(config: ServerConfig, address: str) -> bool:
    """Whether an address of a local domain has a mailbox; every domain has ``postmaster``
    (RFC 5321 section 4.5.1). An extension (``+tag``) does not count."""
    mailboxes = config.local_domains[domain_of(address)]
    local_part = address.rpartition("@")[0].lower().partition("+")[0]
    return mailboxes is None or local_part == "postmaster" or local_part in mailboxes


def message_reply(config: ServerConfig, raw: bytes, hops: int) -> str | None:
    """Whether a whole message (CRLF line ends) is taken."""
    if len(raw) > config.limits.message_size:
        return TOO_BIG.format(config.limits.message_size)
    if b"\0" in raw:
        return NUL
    if header_is_too_long(raw):
        return LONG_HEADER
    return LOOP if hops > config.limits.hops else None


def first_state(config: ServerConfig, sender: str) -> str:
    """Where a new message starts: ``hold`` for senders that the configuration holds."""
    held = any(fnmatch.fnmatchcase(sender.lower(), p.lower()) for p in config.hold_senders)
    return "hold" if held else "incoming"
