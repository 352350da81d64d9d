"""The fields of Exim's log lines: ``H=name (helo) [address] P=esmtps S=1234 T="subject" ...``.

Exim's specification, "Summary of Fields in Log Lines". A letter means different things on arrival
lines and on delivery lines; the names are the table's words.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Fields = dict[str, object]

NAMES = {
    "A": "authenticator",
    "C": "confirmation",
    "CV": "certificate_verification",
    "D": "duration",
    "DKIM": "dkim_domain",
    "DN": "distinguished_name",
    "DS": "dnssec",
    "DT": "delivery_time",
    "F": "from",
    "H": "host",
    "I": "interface",
    "id": "message-id",
    "K": "chunking",
    "L": "pipelining",
    "M8S": "8bitmime",
    "P": "return_path",
    "PRDR": "prdr",
    "PRX": "proxy",
    "Q": "queue",
    "QT": "queue_time",
    "R": "router",
    "RT": "reception_time",
    "S": "size",
    "SNI": "server_name",
    "ST": "shadow_transport",
    "T": "transport",
    "TFO": "tcp_fast_open",
    "U": "user",
    "X": "cipher",
    "from": "from",
    "set_id": "set_id",
}
ON_ARRIVAL = {"P": "protocol", "R": "reference", "T": "subject"}
"""What these letters mean on ``<=`` lines."""
_HOST = re.compile(
    r"(?:([^\s()\[\]=]+) )?(?:\((.{0,1000}?)\) )?\[([0-9A-Fa-f.:]{2,45})\](?::(\d{1,5}))?(\*)?"
    r"(?=:?(?:$| (?:[(\[]|[A-Za-z0-9_*]{1,20}\b(?!\)))))"
)
_TOKEN = re.compile(
    r"([A-Za-z][A-Za-z0-9_]{0,7})="
    r'(?:"((?:[^"\\]|\\.)*+)"|<([^<>]*+)>|([^\s"]\S*?(?=:?(?: |$))|))(:?)(?= |$)'
)
_BARE = re.compile(r"(K|L|PRDR|TFO\*?|CV)(?= |$)")
_DEFER = re.compile(r"(?:(routing|routing defer|defer) )?defer \((-?\d{1,9})\)(:?)(?= |$)")
_TRAILING = re.compile(r"((?: (?:DT|QT)=[\d.dhmsw]{1,20}){1,2})$")
_WORD = re.compile(r"[^\s]+")
_ESCAPE = re.compile(r'\\([23][0-7]{2}|["\\])')


class Host(NamedTuple):
    """A peer: name from the DNS, what it called itself, address, port; ``again`` when an open
    connection was used again."""

    name: str | None
    helo: str | None
    address: str
    port: int | None
    again: bool


class Read(NamedTuple):
    """Fields by name and by letter; ``rest`` is the free text where the fields stopped, ``at`` its
    place."""

    fields: Fields
    letters: dict[str, str]
    rest: str


def read_host(text: str, start: int = 0) -> tuple[Host, int] | None:
    """``name (helo) [address]:port`` at a place, and where it ends. What a client calls itself may
    look like a whole host: the address is the one that fields or the end follow."""
    found = _HOST.match(text, start)
    if found is None:
        return None
    name, helo, address, port, again = found.groups()
    return Host(name, helo, address, int(port) if port else None, bool(again)), found.end()


def host_fields(host: Host) -> Fields:
    """A peer by the names that other formats use for it too."""
    fields: Fields = {"client_name": host.name, "client_address": host.address}
    if host.helo is not None:
        fields["helo"] = host.helo
    if host.port is not None:
        fields["client_port"] = host.port
    return fields


def read_fields(text: str, start: int, names: dict[str, str]) -> Read:
    """The fields from a place on, up to ``: `` (a free text follows, in which letters mean
    nothing), ``for`` (recipients follow) or the end."""
    fields: Fields = {}
    letters: dict[str, str] = {}
    at, size = start, len(text)
    trailing = _TRAILING.search(text, max(start, size - 50))
    while at < size:
        if text[at] == " ":
            at += 1
            continue
        if text.startswith(("for ", ": "), at):
            break
        if found := _TOKEN.match(text, at):
            at, ended = _take(text, found, fields, letters, names)
        elif found := _DEFER.match(text, at):
            fields["errno"] = int(found[2])
            at, ended = found.end(), bool(found[3])
        elif found := _BARE.match(text, at):
            letter = found[1].rstrip("*")
            letters.setdefault(letter, "")
            fields.setdefault(names.get(letter, letter), True)
            at, ended = found.end(), False
        else:
            found = _WORD.match(text, at)
            at, ended = (found.end() if found else size), False
            if found and found[0].endswith(":"):
                ended = True
        if ended:
            break
    rest = text[at:].removeprefix(": ").strip()
    if trailing and trailing.start() >= at:
        rest = rest.removesuffix(trailing[0].strip()).rstrip()
        for pair in trailing[0].split():
            letter, _, value = pair.partition("=")
            letters.setdefault(letter, value)
            fields.setdefault(names[letter], value)
    return Read(fields, letters, rest)


def _take(
    text: str, found: re.Match[str], fields: Fields, letters: dict[str, str], names: dict[str, str]
) -> tuple[int, bool]:
    """One field put in; where it ends, and whether a free text follows."""
    letter, quoted, bracketed, bare, colon = found.groups()
    end = found.end()
    if letter == "H" and "H" not in letters and quoted is None:
        host = read_host(text, found.start() + 2)
        if host is not None:
            peer, end = host
            value = text[found.start() + 2 : end]
            colon = ":" if text.startswith(":", end) else ""
            fields |= host_fields(peer)
            fields["host"] = letters["H"] = value
            return end + len(colon), bool(colon)
    value = next((part for part in (quoted, bracketed, bare) if part is not None), "")
    letters.setdefault(letter, value)
    value = unescaped(value) if quoted is not None else value
    name = names.get(letter, letter)
    number = value.isdecimal() and len(value) < 19 and letter == "S"
    fields.setdefault(name, int(value) if number else value)
    return end, bool(colon)


def unescaped(text: str) -> str:
    """What stood between quotes: Exim writes a backslash before quotes and backslashes, and octets
    above ASCII in octal. Escaped control octets stay escaped."""
    if "\\" not in text:
        return text
    octets = bytearray()
    last = 0
    for found in _ESCAPE.finditer(text):
        octets += text[last : found.start()].encode("utf-8", "surrogatepass")
        code = found[1]
        octets += bytes((int(code, 8),)) if len(code) == 3 else code.encode()
        last = found.end()
    octets += text[last:].encode("utf-8", "surrogatepass")
    return octets.decode("utf-8", "backslashreplace")
