"""The options of ``smtpadmin send``, by group. What is not given stays None, so that a recipe's or a
profile's value holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from smtpadmin.cli.option_groups import in_group, opt

_FILE = click.Path(path_type=Path, allow_dash=True)
_PATH = click.Path(path_type=Path)
_SECONDS = click.FloatRange(min=0, min_open=True)
_PORT = click.IntRange(1, 65535)
MECHANISMS = (
    "PLAIN", "LOGIN", "LOGIN-INITIAL", "CRAM-MD5", "CRAM-SHA1", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "XOAUTH2", "OAUTHBEARER", "EXTERNAL",
)  # fmt: skip
POINTS = ("proxy", "banner", "first-ehlo", "tls", "xclient", "ehlo", "auth", "mail", "rcpt", "data", "dot")  # fmt: skip
_POINT = click.Choice(POINTS, case_sensitive=False)
_VERSION = click.Choice(("1.0", "1.1", "1.2", "1.3"))

_TARGET = in_group(
    "Where to",
    opt("--server", help="A server with a profile; what else is given counts more."),
    opt("--host", help="Instead of --server."),
    opt("--port", type=_PORT, help="[default: by --tls]"),
    opt("--mx-of", metavar="DOMAIN", help="Each MX host of a domain in order, as a mail server does."),
    opt("--socket", "socket_path", metavar="PATH", help="A Unix socket."),
    opt("-4", "ipv4", is_flag=True, help="IPv4 alone."),
    opt("-6", "ipv6", is_flag=True, help="IPv6 alone."),
    opt("--source", metavar="ADDR", help="Connect from this address of this machine."),
    opt("--source-port", type=_PORT),
    opt("--via", "proxy_url", metavar="URL", help="Through a proxy: socks5://, socks4:// or http://host:port."),
    opt("--from-server", metavar="NAME", help="Connect from that server, over its SSH, as it would itself."),
    opt("--via-user", metavar="NAME", help="Its password is read after the login's."),
)  # fmt: skip
_SESSION = in_group(
    "Session",
    opt("--protocol", "dialect", type=click.Choice(("esmtp", "smtp", "lmtp")), help="[default: esmtp]"),
    opt("--helo", metavar="NAME", help="What EHLO says. [default: this machine's name]"),
    opt("--pipelining", is_flag=True, default=None, help="Several commands in one segment."),
    opt("--chunk", type=click.IntRange(min=1), metavar="OCTETS", help="BDAT in chunks instead of DATA."),
    opt("--raw-data", is_flag=True, default=None, help="No dot-stuffing, no line ends mended, no last dot."),
    opt("--end-of-data", metavar="TEXT", help=r"Instead of \r\n.\r\n, spelled like this."),
    opt("--quit-after", type=_POINT, help="QUIT after this step."),
    opt("--drop-after", type=_POINT, help="Close without QUIT after this step."),
    opt("--drop-after-send", type=_POINT, help="Close before its reply."),
)  # fmt: skip
_TLS = in_group(
    "TLS",
    opt("--tls", type=click.Choice(("none", "optional", "starttls", "implicit")), help="[default: starttls]"),
    opt("--tls-verify", "verify", type=click.Choice(("full", "ca", "name", "none")), help="What the certificate must have. [default: full]"),
    opt("--ca-file", metavar="PEM", help="Certificates to trust."),
    opt("--fingerprint", help="Trust the certificate with this SHA-256."),
    opt("--check-name", metavar="NAME", help="The name the certificate must have, instead of the host."),
    opt("--sni", metavar="NAME", help="The name to ask for."),
    opt("--tls-min", "minimum", type=_VERSION),
    opt("--tls-max", "maximum", type=_VERSION),
    opt("--tls-ciphers", "ciphers", metavar="LIST", help="As openssl-ciphers(1) writes it."),
    opt("--client-cert", "cert_file", metavar="PEM"),
    opt("--client-key", "key_file", metavar="PEM"),
    opt("--starttls-unadvertised", is_flag=True, default=None, help="STARTTLS even when it is not offered."),
    opt("--dane", is_flag=True, default=None, help="Demand what TLSA records say (DNSSEC)."),
    opt("--mta-sts", is_flag=True, default=None, help="Say what the domain's MTA-STS policy would decide."),
)  # fmt: skip
_LOGIN = in_group(
    "Login",
    opt("--user"),
    opt("--password-stdin", is_flag=True, help="Read the password, or the access token, from standard input."),
    opt("--auth", "mechanisms", multiple=True, type=click.Choice(MECHANISMS, case_sensitive=False), metavar="METHOD", help=f"This login method, offered or not (repeatable): {', '.join(MECHANISMS)}."),
    opt("--authorize-as", metavar="NAME", help="Act for somebody else (SASL authorization identity)."),
    opt("--auth-optional", is_flag=True, default=None, help="Go on without a login."),
)  # fmt: skip
_ENVELOPE = in_group(
    "Envelope",
    opt("--from", "sender", metavar="ADDR", help="<> is the null sender."),
    opt("--to", multiple=True, metavar="ADDR"),
    opt("--to-file", type=_FILE, help="One address a line."),
    opt("--cc", multiple=True, metavar="ADDR"),
    opt("--bcc", multiple=True, metavar="ADDR"),
    opt("--dsn-notify", "notify", metavar="WORDS", help="NEVER, or SUCCESS,FAILURE,DELAY."),
    opt("--dsn-ret", "ret", type=click.Choice(("FULL", "HDRS"), case_sensitive=False)),
    opt("--dsn-envid", "envid", metavar="ID"),
    opt("--dsn-orcpt", "orcpt", metavar="ADDR", help="auto names each recipient itself."),
    opt("--body-type", "body_type", type=click.Choice(("7BIT", "8BITMIME", "BINARYMIME", "none"), case_sensitive=False)),
    opt("--declare-size", "declared", type=click.IntRange(min=0), metavar="OCTETS", help="SIZE, whatever the true one is."),
    opt("--smtputf8", "utf8", is_flag=True, default=None),
    opt("--require-tls", is_flag=True, default=None, help="REQUIRETLS."),
    opt("--prdr", is_flag=True, default=None, help="Ask for one reply for each recipient."),
    opt("--mail-extra", metavar="TEXT", help="More parameters of MAIL."),
    opt("--rcpt-extra", metavar="TEXT", help="More parameters of RCPT."),
)  # fmt: skip
_MESSAGE = in_group(
    "Message",
    opt("--subject", help="[default: smtpadmin test] Tokens as in %FROM_ADDRESS% are filled in everywhere."),
    opt("--body"),
    opt("--body-file", type=_FILE, help="UTF-8; - is standard input."),
    opt("--html-file", type=_FILE, help="UTF-8; added beside the text."),
    opt("--picture", "pictures", multiple=True, type=_PATH, help="Inside the HTML, as cid:FILENAME."),
    opt("--attach", "attachments", multiple=True, type=_PATH),
    opt("--attach-as", nargs=2, multiple=True, metavar="TYPE FILE"),
    opt("--header", "headers", multiple=True, metavar="'Name: value'"),
    opt("--replace-header", "replaced", multiple=True, metavar="'Name: value'", help="Instead of our own; without a value, not at all."),
    opt("--preset", "presets", multiple=True, metavar="NAME", help="unsubscribe, list, bulk, campaign, receipt, … headers."),
    opt("--raw", "raw_file", type=_FILE, help="This message as it is; - is standard input."),
    opt("--raw-tokens", is_flag=True, default=None, help="Fill tokens in there, too."),
    opt("--payload", metavar="TEST", help="gtube, gtphish, eicar, eicar-txt, eicar-zip, eicar-zip-zip."),
    opt("--size", type=click.IntRange(min=0), metavar="OCTETS", help="Make it at least so big."),
    opt("--long-line", "line_length", type=click.IntRange(min=0), metavar="OCTETS", help="Add one line of that length."),
    opt("--eight-bit", is_flag=True, default=None, help="Send the text in eight bits."),
    opt("--dkim", nargs=3, metavar="DOMAIN SELECTOR KEYFILE", help="Sign it."),
)  # fmt: skip
_LOAD_BALANCER = in_group(
    "Before and instead of the client",
    opt("--proxy-version", type=click.IntRange(1, 2), help="Send HAProxy's PROXY header."),
    opt("--proxy-family", type=click.Choice(("AF_INET", "AF_INET6", "AF_UNIX", "AF_UNSPEC"), case_sensitive=False)),
    opt("--proxy-transport", type=click.Choice(("STREAM", "DGRAM", "UNSPEC"), case_sensitive=False)),
    opt("--proxy-command", type=click.Choice(("PROXY", "LOCAL"), case_sensitive=False)),
    opt("--proxy-source", metavar="ADDR"),
    opt("--proxy-source-port", type=click.IntRange(0, 65535)),
    opt("--proxy-dest", metavar="ADDR"),
    opt("--proxy-dest-port", type=click.IntRange(0, 65535)),
    opt("--proxy-raw", metavar="TEXT", help="What stands after PROXY; version 2 in Base64."),
    opt("--xclient", multiple=True, metavar="'ADDR=… NAME=…'", help="One XCLIENT command each."),
    opt("--xclient-before-tls", is_flag=True, default=None),
    opt("--xclient-unadvertised", is_flag=True, default=None),
    opt("--xclient-optional", is_flag=True, default=None),
)  # fmt: skip
_RECIPE = in_group(
    "Recipes",
    opt("--recipe", metavar="FILE", help="A saved test; what else is given counts more."),
    opt("--allow-files", is_flag=True, help="Let the recipe read files that do not lie beside it."),
    opt("--save-recipe", type=_PATH, help="Save this test, without secrets, and send nothing."),
    opt("--swaks", metavar="COMMAND", help="Do what this swaks command line says."),
    opt("--as-swaks", is_flag=True, help="Print the swaks command line of this test; send nothing."),
    opt("--print-message", is_flag=True, help="Print the message; send nothing."),
)  # fmt: skip
_RUN = in_group(
    "Running",
    opt("--timeout", type=_SECONDS, default=60, show_default=True, help="For the whole session, seconds."),
    opt("--times", type=click.IntRange(min=1), help="Send it so many times. [default: 1, with --every for ever]"),
    opt("--every", metavar="TIME", help="Again after so long: 30s, 5m, 2h."),
    opt("--follow", is_flag=True, help="Track it through every server that has a profile."),
    opt("--follow-for", type=_SECONDS, default=30, show_default=True, help="At most so many seconds."),
    opt("--mailbox", metavar="URL", help="Where it should arrive: imaps://USER@HOST[:PORT], imap, pop3s, pop3; with --follow. Its password is asked for, or taken from SMTPADMIN_MAILBOX_PASSWORD."),
    opt("--transcript", "transcript_file", type=_PATH, help="Save the session: .txt, .json or .html."),
)  # fmt: skip
GROUPS = (_TARGET, _LOGIN, _TLS, _ENVELOPE, _MESSAGE, _SESSION, _LOAD_BALANCER, _RECIPE, _RUN)


def all_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add every option."""
    for group in reversed(GROUPS):
        function = group(function)
    return function
