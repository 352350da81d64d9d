"""Commands as octets: arguments checked, parameters in order. Pure.

A control character in an argument could end the command and begin another one: it is refused. RFC
5321 section 4.1, RFC 3461 (DSN), RFC 6533 (ORCPT beyond ASCII), RFC 1870 (SIZE), RFC 8689.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp_plan import EnvelopePlan
from smtpadmin.util.text import visible

MOST_VERB = 40
_BARE_DOT = re.compile(rb"^\.", re.M)
_LINE_ENDS = re.compile(rb"\r\n|\r|\n")
_ESCAPES = re.compile(r"\\(?:r|n|t|0|\\|x[0-9A-Fa-f]{2})")
_ESCAPED = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


def command(*words: str) -> bytes:
    """A line with its CRLF. Raises UsageError for control characters and what is not UTF-8."""
    line = " ".join(word for word in words if word)
    verb = visible(words[0].partition(":")[0], MOST_VERB)
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in line):
        raise UsageError(
            f"{verb} must not hold control characters",
            remedy="They would end the command and begin another one.",
        )
    try:
        return line.encode("utf-8") + b"\r\n"
    except UnicodeEncodeError:
        raise UsageError(f"{verb} is not valid UTF-8") from None


def mail_from(sender: str, plan: EnvelopePlan, parameters: list[str]) -> bytes:
    """MAIL with what the plan and the caller (SIZE, BODY, SMTPUTF8) say."""
    if plan.ret:
        parameters.append(f"RET={plan.ret}")
    if plan.envid:
        parameters.append(f"ENVID={xtext(plan.envid)}")
    if plan.require_tls:
        parameters.append("REQUIRETLS")
    if plan.prdr:
        parameters.append("PRDR")
    return command(f"MAIL FROM:<{sender}>", *parameters, plan.mail_extra)


def rcpt_to(recipient: str, plan: EnvelopePlan) -> bytes:
    """RCPT with its DSN parameters; ORCPT ``auto`` names the recipient itself."""
    parameters = [f"NOTIFY={plan.notify}"] if plan.notify else []
    if plan.orcpt:
        parameters.append(f"ORCPT={_orcpt(plan.orcpt, recipient)}")
    return command(f"RCPT TO:<{recipient}>", *parameters, plan.rcpt_extra)


def _orcpt(orcpt: str, recipient: str) -> str:
    kind, semicolon, address = orcpt.partition(";")
    if not semicolon:
        address = recipient if orcpt == "auto" else orcpt
        kind = "rfc822" if address.isascii() else "utf-8"
    # RFC 6533 section 3: in a session with SMTPUTF8 the address may stand as it is.
    return f"{kind};{xtext(address) if address.isascii() else address}"


def xtext(text: str) -> str:
    """RFC 3461 section 4."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text)


def stuffed(raw: bytes) -> bytes:
    """A message as DATA sends it: CRLF at every line's end and at the last one's, a dot before every
    dot at a line's start (RFC 5321 section 4.5.2). The end mark is not part of it."""
    if raw.count(b"\r\n") != raw.count(b"\n") or raw.count(b"\r") != raw.count(b"\n"):
        raw = _LINE_ENDS.sub(b"\r\n", raw)
    if raw and not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    return _BARE_DOT.sub(b"..", raw) if raw.startswith(b".") or b"\n." in raw else raw


def chunks(raw: bytes, size: int) -> Iterator[tuple[bytes, bool]]:
    """A message in pieces of at most ``size`` octets, each with whether it is the last."""
    for start in range(0, max(len(raw), 1), size):
        yield raw[start : start + size], start + size >= len(raw)


def unescaped(text: str) -> bytes:
    r"""``\r``, ``\n``, ``\t``, ``\0``, ``\\`` and ``\xNN`` as octets; anything else as it stands."""
    octets = bytearray()
    start = 0
    for found in _ESCAPES.finditer(text):
        octets += text[start : found.start()].encode("utf-8", "surrogateescape")
        word = found[0][1:]
        octets += bytes([int(word[1:], 16)]) if word[0] == "x" else _ESCAPED[word]
        start = found.end()
    return bytes(octets + text[start:].encode("utf-8", "surrogateescape"))
