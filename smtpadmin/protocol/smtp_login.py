"""AUTH as steps of a dialogue: one mechanism, never a second try, for repeated wrong logins lock
accounts. RFC 4954."""

from __future__ import annotations

import base64
import binascii

from smtpadmin.model.errors import LoginError, ProtocolError, SmtpadminError
from smtpadmin.model.smtp import Reply, Stage
from smtpadmin.model.smtp_plan import LoginPlan, StopPoint
from smtpadmin.protocol.sasl import (
    CLEAR_ORDER,
    ENCRYPTED_ORDER,
    Credentials,
    Mechanism,
    start,
    wire_name,
)
from smtpadmin.protocol.smtp_outputs import Kind, Note
from smtpadmin.protocol.smtp_talk import Steps, Talk
from smtpadmin.util.text import decode_line

MOST_TURNS = 10
MOST_TROUBLE = 1_000
MOST_OFFER = 200


def log_in(talk: Talk, plan: LoginPlan, who: Credentials) -> Steps[None]:
    """Log in. Raises LoginError; with ``plan.optional`` that is a note."""
    yield from talk.enter(Stage.AUTH)
    if not talk.encrypted:
        yield Note("(the connection is not encrypted: others can read the login)")
    try:
        name = _choose(talk, plan)
        yield from _dialogue(talk, name, start(name, who))
    except LoginError as error:
        if not plan.optional or (talk.reply is not None and talk.reply.code == 421):
            raise
        talk.reply = None
        yield Note(f"(no login: {error.what})")


def _choose(talk: Talk, plan: LoginPlan) -> str:
    offered = offered_mechanisms(talk.extensions)
    wanted = [name.upper() for name in plan.mechanisms]
    order = wanted or (ENCRYPTED_ORDER if talk.encrypted else CLEAR_ORDER)
    usable = [name for name in order if wire_name(name) in offered]
    if usable or wanted:
        return (usable or wanted)[0]
    offer = ", ".join(offered)[:MOST_OFFER] or "none"
    raise LoginError(
        f"no login method in common (the server offers {offer})",
        where=talk.where,
        remedy="Many servers offer AUTH only after TLS: choose STARTTLS or implicit TLS.",
    )


def offered_mechanisms(extensions: dict[str, str]) -> list[str]:
    """What EHLO says, ``AUTH=LOGIN`` of old servers among it."""
    words = extensions.get("AUTH", "").split()
    words += [name.removeprefix("AUTH=") for name in extensions if name.startswith("AUTH=")]
    words += [
        word
        for name, more in extensions.items()
        if name.startswith("AUTH=")
        for word in more.split()
    ]
    return [word.upper() for word in words if word]


def _dialogue(talk: Talk, name: str, mechanism: Mechanism) -> Steps[None]:
    reply = yield from _first(talk, name, mechanism)
    for _ in range(MOST_TURNS):
        if reply.code != 334:
            break
        try:
            response = mechanism.answer(_challenge(reply, name))
        except SmtpadminError as error:
            # The server waits for a response: it is told that none will come (RFC 4954 section 4).
            yield from talk.say(b"*\r\n", kind=Kind.SECRET, shown="*")
            raise type(error)(error.what, where=talk.where, remedy=error.remedy) from None
        yield from talk.say(_base64(response) + b"\r\n", StopPoint.AUTH, Kind.SECRET)
        reply = yield from talk.answer()
    if mechanism.trouble:
        yield Note(f"the server explains: {decode_line(mechanism.trouble[:MOST_TROUBLE])}")
    if reply.code != 235:
        raise talk.refused(reply)
    if not mechanism.proven:
        raise LoginError(
            "the server could not prove that it knows the password",
            where=talk.where,
            remedy="It may not be the server it says it is.",
        )


def _first(talk: Talk, name: str, mechanism: Mechanism) -> Steps[Reply]:
    """AUTH, with the initial response when there is one; an empty one is ``=``."""
    line = f"AUTH {wire_name(name)}".encode()
    initial = mechanism.initial()
    if initial is not None:
        line += b" " + (_base64(initial) or b"=")
    return (yield from talk.command(line + b"\r\n", StopPoint.AUTH))


def _challenge(reply: Reply, name: str) -> bytes:
    text = "".join(reply.text.split())
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        if name.startswith("LOGIN"):
            return b""  # its prompts mean nothing
        raise ProtocolError("the server's challenge is not Base64") from None


def _base64(octets: bytes) -> bytes:
    return base64.b64encode(octets)
