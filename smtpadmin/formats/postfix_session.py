"""Postfix's lines without a queue ID: sessions, TLS, postscreen, DNS lists, statistics, start and
stop. Each reader takes the text after the tag and gives event and fields, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from smtpadmin.formats.postfix_grammar import PEER, Fields, client_fields, pairs

Reader = Callable[[str], tuple[str, Fields] | None]

_CONNECT = re.compile(rf"(?:connect|CONNECT) from ({PEER})(?: to ({PEER}))?$")
_CONNECT_TO = re.compile(rf"connect to ({PEER}|\S{{1,255}}?): (.*)", re.S)
_DISCONNECT = re.compile(
    rf"(?:disconnect from|DISCONNECT) ({PEER})((?: [a-z_]{{1,20}}=\S{{0,40}})*+)$"
)
_COUNTER = re.compile(r"([a-z_]+)=(\S+)")
_AFTER = re.compile(
    r"(lost connection|timeout|too many errors|improper command pipelining"
    r"|concurrency limit exceeded|non-SMTP command|bare <LF> received) (?:after|from) (.*)$",
    re.S,
)
_STAGE = re.compile(
    rf"(?:([A-Z][A-Z-]*(?: [A-Z]+){{0,2}})(?: \((\d+) bytes\))? from )?({PEER})(?:: (.*))?$", re.S
)
_TLS = re.compile(
    r"(Anonymous|Untrusted|Trusted|Verified) TLS connection (established|reused) (from|to)"
    r" (\S+?)(?: to (\S+?))?: "
    r"(\S+) with cipher (\S+) \((\d+/\d+) bits\)(.*)$",
    re.S,
)
_TLS_DETAIL = re.compile(
    r"(key-exchange|server-signature|server-digest|client-signature|client-digest) (\S+)(?: \(([^)]*)\))?"
)
_TLS_TROUBLE = re.compile(
    rf"(?:SSL_(?:accept|connect) error (?:from|to)|setting up TLS connection (?:from|to)"
    rf"|certificate verification failed for|Server certificate not verified|TLS library problem"
    rf"|Cannot start TLS|initializing the (?:server|client)-side TLS engine)(?:[: ]+({PEER}))?"
)
_SASL = re.compile(
    rf"({PEER}): SASL (\S+) authentication (?:failed|aborted)(?:: (.*?))?(?:, sasl_username=(.*))?$",
    re.S,
)
_SCREEN = re.compile(
    rf"(PASS NEW|PASS OLD|ALLOWLISTED|WHITELISTED|DENYLISTED|BLACKLISTED|ALLOWLIST VETO|WHITELIST VETO"
    rf"|DNSBL rank (\d+) for|PREGREET (\d+) after ([\d.]+) from|HANGUP after ([\d.]+) from"
    rf"|COMMAND TIME LIMIT from|COMMAND COUNT LIMIT from|COMMAND LENGTH LIMIT from"
    rf"|COMMAND PIPELINING from|NON-SMTP COMMAND from|BARE NEWLINE from|DATA without valid RCPT from"
    rf"|COMMAND without valid RCPT from) ({PEER})(?: (?:in|after) ([^:]{{1,60}}))?(?:: (.*))?$",
    re.S,
)
_RESPECTFUL = {"WHITE": "ALLOW", "BLACK": "DENY"}
_LISTED = re.compile(r"addr (\S+) listed by domain (\S+) as (\S+)(?: (.*))?$", re.S)
_MAX = re.compile(r"statistics: (max [a-z ]+?) (\d+(?:/\d+s)?)(?: for \(([^)]*)\))? at (.*)$")
_CACHE = re.compile(r"cache (\S+) (\w+) cleanup: retained=(\d{1,18}) dropped=(\d{1,18}) entries")
_STARTED = re.compile(r"(daemon started|reload) -- version ([^\s,]+), configuration (\S+)")
_EVENT_AFTER = {
    "lost connection": "lost-connection",
    "too many errors": "too-many-errors",
    "improper command pipelining": "pipelining",
    "concurrency limit exceeded": "concurrency-limit",
    "non-SMTP command": "non-smtp-command",
    "bare <LF> received": "bare-newline",
}


def _connect(text: str) -> tuple[str, Fields] | None:
    if found := _CONNECT.match(text):
        fields = client_fields(found[1])
        if found[2]:
            fields["server"] = found[2]
        return "connect", fields
    if found := _CONNECT_TO.match(text):
        return "connect-failed", {"relay": found[1], "reply": found[2]}
    return None


def _disconnect(text: str) -> tuple[str, Fields] | None:
    """The counters of commands: ``3`` when all were good, else ``good/all``."""
    found = _DISCONNECT.match(text)
    if found is None:
        return None
    fields = client_fields(found[1])
    for name, value in _COUNTER.findall(found[2]):
        fields.setdefault(name, int(value) if value.isdecimal() and len(value) < 10 else value)
    return "disconnect", fields


def ended(text: str) -> tuple[str, Fields] | None:
    """``lost connection after STAGE from CLIENT`` and its kin; a queue ID may stand before."""
    found = _AFTER.match(text)
    if found is None:
        return None
    event = _EVENT_AFTER.get(found[1], found[1].split(" ")[0])
    stage = _STAGE.match(found[2])
    if stage is None:
        return event, {"reason": found[1]}
    fields: Fields = {"reason": found[1], **client_fields(stage[3])}
    if stage[1]:
        fields["stage"] = stage[1]
    if stage[2]:
        fields["bytes"] = int(stage[2][:18])
    if stage[4] is not None:
        fields["text"] = stage[4]
    return event, fields


def _tls(text: str) -> tuple[str, Fields] | None:
    found = _TLS.match(text)
    if found is None:
        trouble = _TLS_TROUBLE.match(text)
        if trouble is None:
            return None
        return "tls", client_fields(trouble[1]) if trouble[1] else {}
    trust, state, way, peer, asked_for, protocol, cipher, bits, rest = found.groups()
    fields: Fields = client_fields(peer) if way == "from" else {"relay": peer}
    if asked_for:
        fields["server_name"] = asked_for
    fields |= {"trust": trust, "state": state, "protocol": protocol, "cipher": cipher, "bits": bits}
    for name, value, detail in _TLS_DETAIL.findall(rest[:1000]):
        fields.setdefault(name, f"{value} ({detail})" if detail else value)
    return "tls", fields


def sasl_failure(text: str) -> tuple[str, Fields] | None:
    """``CLIENT: SASL MECHANISM authentication failed: TEXT, sasl_username=U``, a warning."""
    found = _SASL.match(text)
    if found is None:
        return None
    client, method, reply, user = found.groups()
    fields = client_fields(client) | {"sasl_method": method, "result": "failed"}
    if reply:
        fields["reply"] = reply
    if user is not None:
        fields["sasl_username"] = user
    return "auth", fields


def _screen(text: str) -> tuple[str, Fields] | None:
    """postscreen(8)'s tests; words of before Postfix 3.6 become those of after."""
    found = _SCREEN.match(text)
    if found is None:
        return None
    said, rank, octets, after, hangup, client, stage, what = found.groups()
    test = re.sub(r" (?:rank \d+ for|\d+ after .*|after .*|from)$", "", said)
    test = _RESPECTFUL.get(test[:5], test[:5]) + test[5:]
    fields: Fields = {"test": test, **client_fields(client)}
    if rank or octets:
        fields["rank" if rank else "bytes"] = int((rank or octets)[:18])
    if after or hangup:
        fields["after"] = after or hangup
    if stage:
        fields["stage"] = stage
    if what is not None:
        fields["text"] = what
    return "postscreen", fields


def _listed(text: str) -> tuple[str, Fields] | None:
    found = _LISTED.match(text)
    if found is None:
        return None
    fields: Fields = {"client_address": found[1], "domain": found[2], "result": found[3]}
    if found[4]:
        fields["text"] = found[4]
    return "dnsbl", fields


def _statistics(text: str) -> tuple[str, Fields] | None:
    """anvil(8)'s greatest rates and counts; scache(8)'s hits."""
    if found := _MAX.match(text):
        fields: Fields = {"statistic": found[1]}
        fields["value"] = int(found[2]) if found[2].isdecimal() and len(found[2]) < 19 else found[2]
        if found[3] is not None:
            fields["for"] = found[3]
        fields["at"] = found[4]
        return "statistics", fields
    what = text.removeprefix("statistics: ")
    name = what.split("=", 1)[0].rpartition(" ")[0] if "=" in what else what
    return "statistics", {"statistic": name, **_counts(what)}


def _counts(text: str) -> Fields:
    return {
        name: int(value)
        if isinstance(value, str) and value.isdecimal() and len(value) < 19
        else value
        for name, value in pairs(text).items()
    }


def _cache(text: str) -> tuple[str, Fields] | None:
    found = _CACHE.match(text)
    if found is None:
        return None
    return "statistics", {
        "cache": found[1],
        "cleanup": found[2],
        "retained": int(found[3]),
        "dropped": int(found[4]),
    }


def _started(text: str) -> tuple[str, Fields] | None:
    found = _STARTED.match(text)
    if found is None:
        return None
    event = "start" if found[1] == "daemon started" else "reload"
    return event, {"version": found[2], "configuration": found[3]}


def _event(event: str, *starts: str) -> Reader:
    return lambda text: (event, {}) if text.startswith(starts) else None


_TLS_WORDS = (
    "Anonymous Untrusted Trusted Verified setting initializing certificate Server Cannot SSL_accept"
    " SSL_connect TLS"
)
_SCREEN_WORDS = (
    "PASS ALLOWLISTED WHITELISTED DENYLISTED BLACKLISTED ALLOWLIST WHITELIST DNSBL PREGREET HANGUP"
    " COMMAND NON-SMTP BARE DATA"
)
READERS: dict[str, Reader] = {
    "connect": _connect,
    "CONNECT": _connect,
    "disconnect": _disconnect,
    "DISCONNECT": _disconnect,
    "lost": ended,
    "timeout": ended,
    "too": ended,
    "improper": ended,
    "concurrency": ended,
    "non-SMTP": ended,
    "bare": ended,
    "addr": _listed,
    "statistics": _statistics,
    "cache": _cache,
    "daemon": _started,
    "reload": _started,
    "starting": _event("start", "starting the Postfix mail system"),
    "stopping": _event("stop", "stopping the Postfix mail system"),
    "terminating": _event("stop", "terminating on signal"),
    "refreshing": _event("reload", "refreshing the Postfix mail system"),
}
READERS |= dict.fromkeys(_TLS_WORDS.split(), _tls) | dict.fromkeys(_SCREEN_WORDS.split(), _screen)
"""First word of the text -> what reads it."""
