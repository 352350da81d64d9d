"""Messages that somebody stopped: refused, held, dropped, deleted, queued anew. Each with its truth."""

from __future__ import annotations

from benchmarks.log_world import (
    LogWorld,
    Scenario,
    accepted,
    active,
    address,
    delivery,
    peer,
    pid,
    removed,
    sender,
)


def thrown_away(world: LogWorld) -> None:
    """The filter took it and dropped it."""
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    delivery(
        world,
        mail,
        queue_id,
        0.5,
        to,
        relay="127.0.0.1[127.0.0.1]:10024",
        dsn="2.7.0",
        text="250 2.7.0 Ok, discarded, id=12345-07 - spam",
    )
    mail.recipients[to] = "discarded"
    removed(world, mail, queue_id, 0.52)


def refused(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    who = peer(world)
    smtpd = f"postfix/smtpd[{pid(world)}]"
    world.emit(0, smtpd, f"connect from {who}")
    world.emit(
        0.1,
        smtpd,
        f"NOQUEUE: reject: RCPT from {who}: 550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table; from=<{mail.sender}> to=<{to}> proto=ESMTP helo=<mail.example.com>",
        mail,
    )
    world.emit(0.2, smtpd, f"disconnect from {who} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4")
    mail.message_id = None
    mail.recipients[to] = "rejected"


def screened(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    who = f"[203.0.113.{world.random.randrange(255)}]:{world.random.randrange(1024, 60000)}"
    screen = f"postfix/postscreen[{pid(world)}]"
    world.emit(0, screen, f"CONNECT from {who} to [192.0.2.1]:25")
    world.emit(
        0.1,
        screen,
        f"NOQUEUE: reject: RCPT from {who}: 550 5.7.1 Service unavailable; client {who.partition(':')[0]} blocked using dnsbl.example; from=<{mail.sender}>, to=<{to}>, proto=ESMTP, helo=<x.example.com>",
        mail,
    )
    world.emit(0.2, screen, f"DISCONNECT {who}")
    mail.message_id = None
    mail.recipients[to] = "rejected"


def one_refused(world: LogWorld) -> None:
    """A second recipient is refused while the message has its ID already."""
    to, other = address(world), address(world) + ".invalid"
    mail = world.truth(sender(world), to, other)
    who = peer(world)
    queue_id = accepted(world, mail, 1, client=who)
    world.emit(
        0.03,
        f"postfix/smtpd[{pid(world)}]",
        f"{queue_id}: reject: RCPT from {who}: 550 5.1.2 <{other}>: Recipient address rejected: Domain not found; from=<{mail.sender}> to=<{other}> proto=ESMTP helo=<mail.example.com>",
        mail,
    )
    delivery(world, mail, queue_id, 0.6, to)
    mail.recipients |= {other: "rejected", to: "sent"}
    removed(world, mail, queue_id, 0.62)


def milter(world: LogWorld) -> None:
    """Refused after its content was seen: it had an ID, and no queue manager saw it."""
    to = address(world)
    mail = world.truth(sender(world), to)
    who = peer(world)
    queue_id = world.queue_id()
    mail.queue_ids.append(queue_id)
    world.emit(0, f"postfix/smtpd[{pid(world)}]", f"{queue_id}: client={who}", mail)
    world.emit(
        0.1, f"postfix/cleanup[{pid(world)}]", f"{queue_id}: message-id={mail.message_id}", mail
    )
    world.emit(
        0.2,
        f"postfix/cleanup[{pid(world)}]",
        f"{queue_id}: milter-reject: END-OF-MESSAGE from {who}: 5.7.1 Spam message rejected; from=<{mail.sender}> to=<{to}> proto=ESMTP helo=<x>",
        mail,
    )
    mail.recipients[to] = "rejected"
    world.free(0.3, queue_id)


def held(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    who = peer(world)
    queue_id = world.queue_id()
    mail.queue_ids.append(queue_id)
    world.emit(0, f"postfix/smtpd[{pid(world)}]", f"{queue_id}: client={who}", mail)
    world.emit(
        0.1, f"postfix/cleanup[{pid(world)}]", f"{queue_id}: message-id={mail.message_id}", mail
    )
    world.emit(
        0.2,
        f"postfix/cleanup[{pid(world)}]",
        f"{queue_id}: hold: header Subject: invoice from {who}; from=<{mail.sender}> to=<{to}> proto=ESMTP helo=<x>",
        mail,
    )
    if world.random.random() < 0.5:
        world.emit(200, "postfix/postsuper[77]", f"{queue_id}: released from hold", mail)
        active(world, mail, queue_id, 201, 1)
        delivery(world, mail, queue_id, 202, to)
        mail.recipients[to] = "sent"
        removed(world, mail, queue_id, 202.1)
    else:
        mail.recipients[to] = "held"


def deleted(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    delivery(
        world,
        mail,
        queue_id,
        0.5,
        to,
        relay="none",
        status="deferred",
        dsn="4.4.1",
        text="connect to mx: timed out",
    )
    mail.recipients[to] = "discarded"
    removed(world, mail, queue_id, 400, "postsuper[78]")


def requeued(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    delivery(
        world,
        mail,
        queue_id,
        0.5,
        to,
        relay="none",
        status="deferred",
        dsn="4.4.1",
        text="connect to mx: timed out",
    )
    child = world.queue_id()
    mail.queue_ids.append(child)
    world.emit(100, "postfix/postsuper[79]", f"{queue_id}: requeued", mail)
    world.free(100, queue_id)
    world.emit(
        101,
        f"postfix/pickup[{pid(world)}]",
        f"{child}: uid=110 from=<{mail.sender}> orig_id={queue_id}",
        mail,
    )
    world.emit(
        101.1, f"postfix/cleanup[{pid(world)}]", f"{child}: message-id={mail.message_id}", mail
    )
    active(world, mail, child, 101.2, 1)
    delivery(world, mail, child, 102, to)
    mail.recipients[to] = "sent"
    removed(world, mail, child, 102.1)


def blackhole(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    delivery(world, mail, queue_id, 0.2, to, agent="discard", relay="none", text="dom.example.org")
    mail.recipients[to] = "discarded"
    removed(world, mail, queue_id, 0.21)


SCENARIOS: dict[str, Scenario] = {
    function.__name__: function
    for function in (
        thrown_away, refused, screened, one_refused, milter, held, deleted, requeued, blackhole,
    )
}  # fmt: skip
