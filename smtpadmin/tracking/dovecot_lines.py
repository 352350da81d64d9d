"""Dovecot's lines in Postfix's log: what became of mail that it took by LMTP.

LMTP answers ``Saved`` also of mail that a Sieve script dropped, rejected or only sent on; what was
done stands in Dovecot's own lines. The session ties them: it ends the reply that Postfix logs,
``250 2.0.0 <user> SESSION Saved``, and follows the user in Dovecot's tag,
``lmtp(user)<pid><SESSION>: ``. Their ``msgid=`` ties nothing: who sends chooses it.

As Dovecot 2.3 and 2.4 with Pigeonhole write them. Each program has a way of its own to the system
log, so that these lines may come after Postfix's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackedRecipient
from smtpadmin.tracking.dialect import SYSLOG_STAMP, Own

_SESSION = rb"[A-Za-z0-9+/]{22}(?::[A-Za-z0-9:]{1,32})?"
"""A GUID in base64; further recipients of one session add ``:R2``, further messages ``:T2``."""
_NAMED = re.compile(rb"status=sent \(250 2\.\d\.\d{1,3} <.*> (" + _SESSION + rb") Saved\)", re.S)
_LINE = re.compile(
    SYSLOG_STAMP
    + rb" +\S+ dovecot(?:\[\d+\])?: lmtp\(.{0,400}?\)<\d+><("
    + _SESSION
    + rb")>: (?:Info: )?(.*)",
    re.S,
)
_DONE = re.compile(
    rb"(?:sieve: )?msgid=.*: (?:[a-z-]+ action: )?(?:"
    rb"(?P<delivered>stored mail into mailbox '.*'|saved mail to .+)"
    rb"|(?P<sent>forwarded to <.*>)"
    rb"|(?P<rejected>rejected message from <.*> \(e?reject\))"
    rb"|(?P<discarded>marked message to be discarded if not explicitly delivered \(discard action\)"
    rb"|discarded duplicate forward to <.*>|not sending reject message to <>)"
    rb")\s*",
    re.S | re.I,
)
"""One action, whole to its end: what a stranger writes into the Message-ID stands before it."""
_MOST_TEXT = 2048
"""Octets of an action's line; in longer ones nothing is looked for."""
_STRONGEST = ("delivered", "sent", "rejected", "discarded")
"""Of several actions the first of these is the end: discard and a copy elsewhere drop no copy that
is kept."""
_SAID = {
    "sent": "; Sieve forwarded it",
    "rejected": "; Sieve rejected it",
    "discarded": "; Sieve dropped it",
}


def session_named(line: Own) -> bytes | None:
    """The session of Dovecot's that a delivery line of Postfix's names; None for another line.

    >>> session_named(Own(b"mx", b"A1", b"lmtp", b"to=<a@b>, relay=dovecot[private/lmtp], "
    ...     b"dsn=2.0.0, status=sent (250 2.0.0 <a@b> tLZfK59dB2sxVgAAg+zDdQ Saved)"))
    b'tLZfK59dB2sxVgAAg+zDdQ'
    """
    if line.process != b"lmtp" or not line.text.startswith(b"to="):
        return None
    found = _NAMED.search(line.text)
    return found[1] if found is not None else None


def session_of(line: bytes) -> bytes | None:
    """The session whose line of Dovecot's this is; None for another line."""
    found = _LINE.match(line) if b": lmtp(" in line else None
    return found[1] if found is not None else None


def actions(lines: Iterable[bytes]) -> dict[str, set[str]]:
    """What Dovecot did in each session, as words of :class:`DeliveryStatus`."""
    done: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        found = _LINE.match(line)
        if found is None or len(found[2]) > _MOST_TEXT:
            continue
        action = _DONE.fullmatch(found[2])
        if action is not None and action.lastgroup is not None:
            done[found[1].decode("ascii")].add(action.lastgroup)
    return done


def as_dovecot_did(recipient: TrackedRecipient, done: Mapping[str, set[str]]) -> TrackedRecipient:
    """A recipient whose mail Dovecot took, with the end that it had there. Without lines of its
    session nothing is known beyond what Postfix says."""
    *_, session, last = ["", "", *(recipient.reply or "").rsplit(" ", 2)]
    if recipient.status is not DeliveryStatus.DELIVERED or last != "Saved":
        return recipient
    did = done.get(session, ())
    end = next((action for action in _STRONGEST if action in did), None)
    if end not in _SAID:
        return recipient
    return replace(recipient, status=DeliveryStatus(end), reply=f"{recipient.reply}{_SAID[end]}")
