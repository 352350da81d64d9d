"""The protocol options of a test as data: which field of the plan, how it is edited, what it means."""

from __future__ import annotations

from typing import Any, NamedTuple

from smtpadmin.model.smtp_plan import Dialect, Verify


class Option(NamedTuple):
    """``part`` is the plan's part, empty for the plan itself; ``kind`` is ``text``, ``check``,
    ``number``, ``words`` (one item a line) or ``choice`` (with ``choices``: value and words)."""

    part: str
    field: str
    title: str
    help: str = ""
    kind: str = "text"
    choices: tuple[tuple[Any, str], ...] = ()


_VERSIONS = tuple((name, name) for name in ("1.0", "1.1", "1.2", "1.3"))
_ANY_VERSION = (("", "as usual"), *_VERSIONS)
GROUPS: tuple[tuple[str, tuple[Option, ...]], ...] = (
    (
        "Session",
        (
            Option("", "dialect", "Protocol", "LMTP has one reply for each recipient", "choice",
                   ((Dialect.ESMTP, "ESMTP"), (Dialect.SMTP, "SMTP, HELO alone"), (Dialect.LMTP, "LMTP"))),
            Option("", "helo", "HELO name", "What EHLO says; as usual: this machine's name"),
            Option("transfer", "pipelining", "Pipelining", "Several commands in one segment, RFC 2920", "check"),
            Option("transfer", "chunk", "BDAT chunk", "Octets in each chunk instead of DATA, RFC 3030", "number"),
            Option("login", "authorize_as", "Act for", "SASL authorization identity"),
        ),
    ),
    (
        "Envelope",
        (
            Option("envelope", "notify", "DSN notify", "RFC 3461", "choice",
                   (("", "not said"), ("NEVER", "NEVER"), ("SUCCESS", "SUCCESS"), ("FAILURE", "FAILURE"),
                    ("SUCCESS,FAILURE,DELAY", "SUCCESS,FAILURE,DELAY"))),
            Option("envelope", "ret", "DSN return", "What a report gives back", "choice",
                   (("", "not said"), ("FULL", "FULL"), ("HDRS", "HDRS"))),
            Option("envelope", "envid", "DSN envelope ID"),
            Option("envelope", "utf8", "SMTPUTF8", "RFC 6531, even where the message does not need it", "check"),
            Option("envelope", "require_tls", "REQUIRETLS", "TLS on the whole way, RFC 8689", "check"),
            Option("envelope", "mail_extra", "More for MAIL", "Added behind MAIL FROM as it is"),
            Option("envelope", "rcpt_extra", "More for RCPT", "Added behind RCPT TO as it is"),
        ),
    ),
    (
        "TLS",
        (
            Option("tls", "verify", "Certificate", "What it must have; the rest is told", "choice",
                   ((Verify.FULL, "authority and name"), (Verify.CA, "authority"), (Verify.NAME, "name"),
                    (Verify.NONE, "anything"))),
            Option("tls", "check_name", "Name to check", "Instead of the host"),
            Option("tls", "sni", "SNI", "The name to ask for"),
            Option("tls", "minimum", "Lowest version", "", "choice", _ANY_VERSION),
            Option("tls", "maximum", "Highest version", "", "choice", _ANY_VERSION),
            Option("tls", "ciphers", "Ciphers", "As openssl-ciphers(1) writes them"),
            Option("tls", "ca_file", "CA file", "Certificates to trust, PEM"),
            Option("tls", "cert_file", "Client certificate", "PEM"),
            Option("tls", "key_file", "Its key", "PEM"),
            Option("tls", "fingerprint", "Trust SHA-256", "The certificate with this fingerprint"),
            Option("tls", "dane", "DANE", "Demand what TLSA records say", "check"),
            Option("tls", "mta_sts", "MTA-STS", "Say what the domain's policy would decide", "check"),
        ),
    ),
    (
        "Way to the server",
        (
            Option("target", "family", "IP version", "", "choice", ((0, "any"), (4, "IPv4 alone"), (6, "IPv6 alone"))),
            Option("target", "source", "From address", "An address of this machine"),
            Option("target", "proxy_url", "Through proxy", "socks5://host:port, socks4:// or http://"),
            Option("proxy", "version", "PROXY header", "HAProxy's, before everything else", "choice",
                   ((0, "none"), (1, "version 1"), (2, "version 2"))),
            Option("proxy", "source", "PROXY source", "The client's address that the header tells"),
            Option("proxy", "source_port", "PROXY source port", "", "number"),
            Option("proxy", "destination", "PROXY destination"),
            Option("proxy", "destination_port", "PROXY dest. port", "", "number"),
            Option("xclient", "commands", "XCLIENT", "ADDR=192.0.2.1 NAME=x.example; Postfix's", "words"),
        ),
    ),
)  # fmt: skip
