"""Copies and what Sieve does: messages of Postfix with a Dovecot behind it, each with its truth.

A blind copy (always_bcc, recipient_bcc_maps) is one more recipient of the same queue ID. A .forward
gives a queue ID that the log names. What Sieve sends comes back as a message of its own: a redirect
with the Message-ID and the sender of the first one, and nothing in the log that names either's
queue ID. Only Dovecot's session, which ends the reply to Postfix, ties its lines to a delivery.
The lines are worded as Postfix 3.7 and Dovecot 2.3.19 write them (tests/live/test_track_sieve.py).
"""

from __future__ import annotations

import base64

from benchmarks.log_scenarios import notify
from benchmarks.log_world import (
    LogWorld,
    Scenario,
    Truth,
    accepted,
    active,
    address,
    created,
    delivery,
    picked,
    pid,
    removed,
    sender,
)

ARCHIVE = "archive@copies.example.org"
DISCARD = (
    "discard action: Marked message to be discarded if not explicitly delivered (discard action)"
)
KEEP = "stored mail into mailbox 'INBOX'"


def copied(world: LogWorld) -> None:
    """always_bcc: the archive's end is its own, and may come later than the recipient's."""
    to = address(world)
    archive = f"{world.random.randrange(400)}.{ARCHIVE}"
    mail = world.truth(sender(world), to, archive)
    queue_id = accepted(world, mail, 2)
    delivery(world, mail, queue_id, 0.4, to)
    mail.recipients = {to: "sent", archive: "sent"}
    kind = world.random.randrange(3)
    if kind == 0:
        delivery(world, mail, queue_id, 0.3, archive)
        removed(world, mail, queue_id, 0.5)
    elif kind == 1:
        delivery(
            world, mail, queue_id, 0.3, archive, relay="none", status="deferred", dsn="4.4.1",
            text="connect to mx: Connection refused",
        )  # fmt: skip
        active(world, mail, queue_id, 300, 2)
        delivery(world, mail, queue_id, 301, archive)
        removed(world, mail, queue_id, 301.1)
    else:
        delivery(
            world, mail, queue_id, 0.3, archive, status="bounced", dsn="5.2.2",
            text="host mx said: 552 5.2.2 full (in reply to RCPT TO command)",
        )  # fmt: skip
        mail.recipients[archive] = "bounced"
        notify(world, mail, queue_id, 0.5)
        removed(world, mail, queue_id, 0.6)


def copied_and_filtered(world: LogWorld) -> None:
    """recipient_bcc_maps before a content filter, the copy's address rewritten by a virtual alias."""
    to, archive = address(world), f"{world.random.randrange(400)}.{ARCHIVE}"
    mail = world.truth(sender(world), to, "bcc@copies.example.org", archive)
    queue_id = accepted(world, mail, 2)
    child = accepted(world, mail, 2, client="localhost[127.0.0.1]", after=0.2)
    for one, original in ((to, None), (archive, "bcc@copies.example.org")):
        delivery(
            world, mail, queue_id, 0.35, one, original=original, relay="127.0.0.1[127.0.0.1]:10024",
            text=f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {child}",
        )  # fmt: skip
    removed(world, mail, queue_id, 0.36)
    delivery(world, mail, child, 0.6, to)
    taken(world, mail, child, 0.7, archive, KEEP)
    mail.recipients = {to: "sent", archive: "delivered"}
    removed(world, mail, child, 0.75)


def taken(
    world: LogWorld,
    mail: Truth,
    queue_id: str,
    after: float,
    to: str,
    *said: str,
    session: str = "",
) -> None:
    """Dovecot takes it by LMTP and tells what it did, before Postfix's line or after it."""
    rand = world.random
    session = session or new_session(world)
    process = pid(world)
    late = rand.choice((-0.01, -0.01, 0.005, 0.3))
    for number, text in enumerate(said):
        world.emit(
            after + late + number / 1000,
            "dovecot",
            f"lmtp({to})<{process}><{session}>: sieve: msgid={mail.message_id}: {text}",
            mail,
        )
    if rand.random() < 0.5:
        stranger(world, mail, after, to)
    delivery(
        world, mail, queue_id, after, to, agent="lmtp",
        relay="mx1.example.org[private/dovecot-lmtp]", text=f"250 2.0.0 <{to}> {session} Saved",
    )  # fmt: skip


def new_session(world: LogWorld) -> str:
    return base64.b64encode(world.random.randbytes(16)).decode().rstrip("=")


def stranger(world: LogWorld, mail: Truth, after: float, to: str) -> None:
    """The same Message-ID for the same user, brought by another server in another session."""
    said = world.random.choice((KEEP, DISCARD, "redirect action: forwarded to <x@else.example>"))
    world.emit(
        after + world.random.choice((-0.02, 0.02)),
        "dovecot",
        f"lmtp({to})<{pid(world)}><{new_session(world)}>: sieve: msgid={mail.message_id}: {said}",
    )


def _one(world: LogWorld, end: str, *said: str) -> tuple[Truth, str]:
    """One recipient, whose mail Dovecot took; gives the truth and the recipient."""
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    taken(world, mail, queue_id, 0.4, to, *said)
    mail.recipients[to] = end
    removed(world, mail, queue_id, 0.41)
    return mail, to


def sieve_kept(world: LogWorld) -> None:
    """Into the inbox; sometimes Dovecot's lines are in another log."""
    _one(world, "delivered", *([KEEP] if world.random.random() < 0.8 else []))


def sieve_filed(world: LogWorld) -> None:
    """Into a folder; a discard beside it drops nothing."""
    filed = "fileinto action: stored mail into mailbox 'Junk'"
    _one(world, "delivered", *world.random.choice(((filed,), (DISCARD, filed), (filed, DISCARD))))


def sieve_dropped(world: LogWorld) -> None:
    """Postfix says sent, and nobody has it."""
    _one(world, "discarded", DISCARD)


def sieve_parted(world: LogWorld) -> None:
    """Two recipients in one LMTP session, of which one drops it."""
    to, other = address(world), address(world) + ".two"
    mail = world.truth(sender(world), to, other)
    queue_id = accepted(world, mail, 2)
    session = new_session(world)
    taken(world, mail, queue_id, 0.4, to, DISCARD, session=session)
    taken(world, mail, queue_id, 0.41, other, KEEP, session=f"{session}:R2")
    mail.recipients = {to: "discarded", other: "delivered"}
    removed(world, mail, queue_id, 0.45)


def _sent_by_dovecot(
    world: LogWorld, scenario: str, origin: str, to: str, message_id: str | None = None
) -> None:
    """A message that Dovecot hands in while it still takes the first one."""
    leg = world.truth(origin, to)
    leg.scenario = f"{scenario}, what Dovecot sent"
    leg.message_id = message_id or f"<dovecot-sieve-{world.random.getrandbits(50)}-0@mx1>"
    if world.random.random() < 0.5:
        queue_id = accepted(world, leg, 1, client="localhost[127.0.0.1]", after=0.25)
    else:
        queue_id = picked(world, leg, 1, 8, after=0.25)
    delivery(world, leg, queue_id, 0.6, to)
    leg.recipients[to] = "sent"
    removed(world, leg, queue_id, 0.61)


def sieve_redirected(world: LogWorld) -> None:
    new = address(world) + ".redirect"
    mail, _ = _one(world, "sent", f"redirect action: forwarded to <{new}>")
    _sent_by_dovecot(world, "sieve_redirected", mail.sender, new, mail.message_id)


def sieve_copied(world: LogWorld) -> None:
    """redirect :copy: it is in the inbox as well."""
    new = address(world) + ".copy"
    mail, _ = _one(world, "delivered", f"redirect action: forwarded to <{new}>", KEEP)
    _sent_by_dovecot(world, "sieve_copied", mail.sender, new, mail.message_id)


def sieve_answered(world: LogWorld) -> None:
    """vacation."""
    mail = world.truth(sender(world), to := address(world))
    queue_id = accepted(world, mail, 1)
    answered = f"vacation action: sent vacation response to <{mail.sender}>"
    taken(world, mail, queue_id, 0.4, to, answered, KEEP)
    mail.recipients[to] = "delivered"
    removed(world, mail, queue_id, 0.41)
    _sent_by_dovecot(world, "sieve_answered", "", mail.sender)


def sieve_rejected(world: LogWorld) -> None:
    """Dovecot writes to the sender itself; to Postfix it said that it took the message."""
    mail = world.truth(sender(world), to := address(world))
    queue_id = accepted(world, mail, 1)
    rejected = f"reject action: rejected message from <{mail.sender}> (reject)"
    taken(world, mail, queue_id, 0.4, to, rejected)
    mail.recipients[to] = "rejected"
    removed(world, mail, queue_id, 0.41)
    _sent_by_dovecot(world, "sieve_rejected", "", mail.sender)


def lda_dropped(world: LogWorld) -> None:
    """dovecot-lda tells Postfix no session: nothing but the Message-ID would tie its lines."""
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    world.emit(
        0.29,
        "dovecot",
        f"lda({to})<{pid(world)}><{new_session(world)}>: sieve: msgid={mail.message_id}: {DISCARD}",
    )
    delivery(
        world, mail, queue_id, 0.3, to, agent="pipe", relay="dovecot",
        text="delivered via dovecot service",
    )  # fmt: skip
    mail.recipients[to] = "delivered"
    removed(world, mail, queue_id, 0.31)


def forwarded_and_kept(world: LogWorld) -> None:
    """A .forward with the user's own mailbox in it: two lines of one recipient, in either order."""
    to, new = address(world), address(world) + ".fwd"
    mail = world.truth(sender(world), to, new)
    queue_id = accepted(world, mail, 1)
    child = world.queue_id()
    mail.queue_ids.append(child)
    created(world, mail, child, 0.3)
    active(world, mail, child, 0.31, 1)
    texts = ["delivered to maildir", f"forwarded as {child}"]
    world.random.shuffle(texts)
    for number, text in enumerate(texts):
        delivery(
            world, mail, queue_id, 0.32 + number / 1000, to, agent="local", relay="local", text=text
        )
    removed(world, mail, queue_id, 0.33)
    delivery(world, mail, child, 0.8, new, original=to)
    removed(world, mail, child, 0.81)
    mail.recipients = {to: "delivered", new: "sent"}


SCENARIOS: dict[str, Scenario] = {
    function.__name__: function
    for function in (
        copied, copied_and_filtered, sieve_kept, sieve_filed, sieve_dropped, sieve_parted, sieve_redirected,
        sieve_copied, sieve_answered, sieve_rejected, lda_dropped, forwarded_and_kept,
    )
}  # fmt: skip
