"""From a recipe's letter to the octets and the envelope of one message: files read, tokens filled in,
scanner tests put together, signed. Runs in a thread; raises UsageError."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import smtpadmin
from smtpadmin.formats.scanner_payloads import Payload, payload
from smtpadmin.formats.test_message import (
    Part,
    TestMessage,
    build,
    envelope_of,
    message_id_for,
)
from smtpadmin.formats.tokens import fill, fill_octets, token_values
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import FileRef, Letter
from smtpadmin.model.smtp import Envelope

MOST_SIZE = 1024 * 1024 * 1024
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^<>\r\n]{1,990}>)", re.I | re.M)


@dataclass(frozen=True, slots=True)
class Turn:
    """Which of how many messages, when, and to which server: what tokens tell."""

    when: datetime
    n: int = 1
    times: int = 1
    server: str = ""


def compose(letter: Letter, turn: Turn, identity: uuid.UUID | None = None) -> Envelope:
    """One message. ``identity`` marks it; a new one when it is None."""
    identity = identity or uuid.uuid4()
    message = TestMessage(letter.sender, letter.to, cc=letter.cc, bcc=letter.bcc)
    sender, recipients = envelope_of(message)
    values = token_values(
        sender=letter.sender,
        to=", ".join(letter.to),
        cc=", ".join(letter.cc),
        bcc=", ".join(letter.bcc),
        when=turn.when,
        message_id=message_id_for(sender, identity),
        n=turn.n,
        times=turn.times,
        server=turn.server,
        version=smtpadmin.__version__,
    )
    if letter.raw_file:
        raw = read_file(letter.raw_file)
        raw = fill_octets(raw, values) if letter.raw_tokens else raw
        message_id = message_id_in(raw)
    else:
        raw, message_id = build(_message(letter, values), turn.when, identity)
    if letter.dkim is not None:
        from smtpadmin.formats.dkim_signature import sign

        key = read_file(letter.dkim.key_file)
        raw = sign(raw, letter.dkim.domain, letter.dkim.selector, key)
    return Envelope(sender, recipients, raw, message_id, fold=bool(letter.payload))


def _message(letter: Letter, values: Mapping[str, str]) -> TestMessage:
    if not 0 <= letter.size <= MOST_SIZE:
        raise UsageError(f"a message of {letter.size} octets is not made", where="size")
    scanner = payload(letter.payload) if letter.payload else Payload()
    parts = [_part(one, cid="") for one in letter.attachments]
    parts += [_part(one, cid=one.name or Path(one.path).name) for one in letter.pictures]
    parts += [Part(*scanner.attachment)] if scanner.attachment else []
    text = fill(letter.text, values)
    text += f"\n\n{scanner.line}\n" if scanner.line else ""
    text += f"\n{'x' * letter.line_length}\n" if letter.line_length else ""
    in_header = {**values, "NEWLINE": " "}  # it makes no second header
    return TestMessage(
        sender=letter.sender,
        recipients=letter.to,
        cc=letter.cc,
        bcc=letter.bcc,
        subject=fill(letter.subject, in_header),
        text=text,
        html=fill(letter.html, values),
        headers=_filled(letter.headers, in_header),
        replaced=_filled(letter.replaced, in_header),
        parts=tuple(parts),
        as_it_is=letter.eight_bit or letter.line_length > 0,
        size=letter.size,
    )


def _filled(
    headers: tuple[tuple[str, str], ...], values: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    return tuple((name, fill(value, values)) for name, value in headers)


def _part(one: FileRef, *, cid: str) -> Part:
    name = Path(one.path).name if cid else one.name or Path(one.path).name
    return Part(name, read_file(one.path), one.kind, cid)


def message_id_in(raw: bytes) -> str:
    """The Message-ID of a message that was not made here; empty without one."""
    head = re.split(rb"\r?\n\r?\n", raw[: 64 * 1024], maxsplit=1)[0]
    found = _MESSAGE_ID.search(head)
    return found[1].decode("utf-8", "replace") if found else ""


def read_file(path: str) -> bytes:
    """``-`` is standard input. Raises UsageError."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=path) from error


def with_presets(letter: Letter, names: tuple[str, ...]) -> Letter:
    """The letter with the headers of presets. Raises UsageError."""
    from smtpadmin.formats.header_presets import PRESETS

    headers = list(letter.headers)
    for name in names:
        if name not in PRESETS:
            raise UsageError(f"{name!r} is no preset", remedy=f"Use {', '.join(PRESETS)}.")
        headers += PRESETS[name]
    return replace(letter, headers=tuple(dict.fromkeys(headers)))
