"""Who may send what to whom: relay protection and limits, as replies. Pure functions.

A reply is None (go on) or a line with an SMTP reply code and an enhanced status code.
"""

from __future__ import annotations

import fnmatch
import ipaddress

from smtpadmin.builtin.config import ServerConfig

RELAY_DENIED = "554 5.7.1 <{}>: Relay access denied"
NO_SUCH_USER = "550 5.1.1 <{}>: Recipient address rejected: User unknown"
TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients"
BAD_ADDRESS = "501 5.1.3 Bad recipient address syntax"
LOOP = "554 5.4.6 Too many hops: this message loops"
TOO_BIG = "552 5.3.4 Message size exceeds fixed limit of {} octets"


def domain_of(address: str) -> str:
    """The domain in lower case; empty for an address without one."""
    return address.rpartition("@")[2].lower().rstrip(".") if "@" in address else ""


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


def recipient_reply(
    config: ServerConfig, address: str, *, trusted: bool, already: int
) -> str | None:
    """Whether one more recipient is taken, after ``already`` ones; ``trusted`` clients relay."""
    if already >= config.limits.recipients:
        return TOO_MANY_RECIPIENTS
    domain = domain_of(address)
    if not domain:
        return BAD_ADDRESS
    if domain not in config.local_domains:
        return None if trusted else RELAY_DENIED.format(address)
    mailboxes = config.local_domains[domain]
    local_part = address.rpartition("@")[0].lower()
    if mailboxes is not None and local_part.partition("+")[0] not in mailboxes:
        return NO_SUCH_USER.format(address)
    return None


def message_reply(config: ServerConfig, size: int, hops: int) -> str | None:
    """Whether a whole message is taken."""
    if size > config.limits.message_size:
        return TOO_BIG.format(config.limits.message_size)
    return LOOP if hops > config.limits.hops else None


def first_state(config: ServerConfig, sender: str) -> str:
    """Where a new message starts: ``hold`` for senders that the configuration holds."""
    held = any(fnmatch.fnmatchcase(sender.lower(), p.lower()) for p in config.hold_senders)
    return "hold" if held else "incoming"
