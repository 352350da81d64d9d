"""What usually becomes of a message in Postfix, each with its truth."""

from __future__ import annotations

from benchmarks.log_world import (
    DEFERRALS,
    LogWorld,
    Scenario,
    Truth,
    accepted,
    active,
    address,
    created,
    delivery,
    peer,
    pid,
    removed,
    sender,
)


def remote(world: LogWorld, to: str | None = None) -> None:
    to = to or address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    delivery(world, mail, queue_id, 0.6, to)
    mail.recipients[to] = "sent"
    removed(world, mail, queue_id, 0.62)


def local(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    agent, relay, text = world.random.choice(
        (
            ("virtual", "virtual", "delivered to maildir"),
            ("lmtp", "mx1.example.org[private/dovecot-lmtp]", "250 2.0.0 <x> abc Saved"),
            ("local", "local", "delivered to mailbox"),
            ("pipe", "dovecot", "delivered via dovecot service"),
        )
    )
    delivery(world, mail, queue_id, 0.3, to, agent=agent, relay=relay, text=text)
    mail.recipients[to] = "delivered"
    removed(world, mail, queue_id, 0.31)


def submission(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(
        world,
        mail,
        1,
        tag="postfix/submission/smtpd",
        extra=f", sasl_method=PLAIN, sasl_username={mail.sender}",
    )
    delivery(world, mail, queue_id, 0.9, to)
    mail.recipients[to] = "sent"
    removed(world, mail, queue_id, 0.92)


def instance(world: LogWorld) -> None:
    """A second instance's transport, under a name of its own."""
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1, tag="postfix-out/smtpd")
    delivery(world, mail, queue_id, 0.7, to, tag="postfix-203.0.113.9")
    mail.recipients[to] = "sent"
    removed(world, mail, queue_id, 0.72)


def many(world: LogWorld) -> None:
    """Several recipients with different ends."""
    to = list(dict.fromkeys(address(world) for _ in range(world.random.randint(2, 6))))
    mail = world.truth(sender(world), *to)
    queue_id = accepted(world, mail, len(to))
    bounced = False
    for number, one in enumerate(to):
        if number % 3 == 2:
            delivery(
                world,
                mail,
                queue_id,
                0.5 + number / 10,
                one,
                status="bounced",
                dsn="5.1.1",
                text="host mx said: 550 5.1.1 no such user (in reply to RCPT TO command)",
            )
            mail.recipients[one] = "bounced"
            bounced = True
        else:
            delivery(world, mail, queue_id, 0.5 + number / 10, one)
            mail.recipients[one] = "sent"
    if bounced:
        notify(world, mail, queue_id, 1.5)
    removed(world, mail, queue_id, 2)


def notify(
    world: LogWorld, mail: Truth, queue_id: str, after: float, what: str = "non-delivery"
) -> str:
    """A notification to the sender; in half of the cases named before its own lines (3.11)."""
    child = world.queue_id()
    mail.queue_ids.append(child)
    early = world.random.random() < 0.5
    world.emit(
        after + (0 if early else 0.03),
        f"postfix/bounce[{pid(world)}]",
        f"{queue_id}: sender {what} notification: {child}",
        mail,
    )
    world.emit(
        after + 0.01,
        f"postfix/cleanup[{pid(world)}]",
        f"{child}: message-id=<{int(world.now)}.{child}@{world.host}.example.org>",
        mail,
    )
    active(world, mail, child, after + 0.02, 1, null=True)
    delivery(world, mail, child, after + 0.2, mail.sender)
    removed(world, mail, child, after + 0.21)
    return child


def retried(world: LogWorld, to: str | None = None) -> None:
    """Deferred a few times, then sent."""
    to = to or address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    after = 0.5
    for wait in DEFERRALS[: world.random.randint(1, 4)]:
        delivery(
            world,
            mail,
            queue_id,
            after,
            to,
            relay="none",
            status="deferred",
            dsn="4.4.1",
            text="connect to mx.example.org[192.0.2.7]:25: Connection timed out",
        )
        after += wait
        active(world, mail, queue_id, after, 1)
        after += 0.4
    delivery(world, mail, queue_id, after, to)
    mail.recipients[to] = "sent"
    removed(world, mail, queue_id, after + 0.02)


def stuck(world: LogWorld) -> None:
    """Still waiting when the log ends."""
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    delivery(
        world,
        mail,
        queue_id,
        0.5,
        to,
        status="deferred",
        dsn="4.2.2",
        text="host mx said: 452 4.2.2 full (in reply to RCPT TO command)",
    )
    active(world, mail, queue_id, 300, 1)
    delivery(
        world,
        mail,
        queue_id,
        300.5,
        to,
        status="deferred",
        dsn="4.2.2",
        text="host mx said: 452 4.2.2 full (in reply to RCPT TO command)",
    )
    mail.recipients[to] = "deferred"


def expired(world: LogWorld) -> None:
    to, other = address(world), address(world)
    mail = world.truth(sender(world), to, other)
    queue_id = accepted(world, mail, 2)
    delivery(world, mail, queue_id, 0.4, other + "x")
    mail.recipients[other + "x"] = "sent"
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
    active(world, mail, queue_id, 600, 2)
    delivery(
        world,
        mail,
        queue_id,
        600.5,
        to,
        relay="none",
        status="deferred",
        dsn="4.4.1",
        text="connect to mx: timed out",
    )
    notify(world, mail, queue_id, 601, "delay")
    world.emit(
        1300,
        "postfix/qmgr[812]",
        f"{queue_id}: from=<{mail.sender}>, status=expired, returned to sender",
        mail,
    )
    notify(world, mail, queue_id, 1300.1)
    mail.recipients[to] = "expired"
    removed(world, mail, queue_id, 1301)


def bounce(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    delivery(
        world,
        mail,
        queue_id,
        0.5,
        to,
        status="bounced",
        dsn="5.1.1",
        text="host mx said: 550 5.1.1 <x>: status=sent (in reply to RCPT TO command)",
    )
    mail.recipients[to] = "bounced"
    notify(world, mail, queue_id, 0.6)
    removed(world, mail, queue_id, 0.7)


def filtered(world: LogWorld, to: str | None = None) -> None:
    """amavis: the message comes back under a new ID, whose lines may be first."""
    to = to or address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    child = world.queue_id()
    mail.queue_ids.append(child)
    extra = (
        f", orig_queue_id={queue_id}, orig_client={peer(world)}"
        if world.random.random() < 0.5
        else ""
    )
    world.emit(0.4, f"postfix/smtpd[{pid(world)}]", "connect from localhost[127.0.0.1]")
    world.emit(
        0.41, f"postfix/smtpd[{pid(world)}]", f"{child}: client=localhost[127.0.0.1]{extra}", mail
    )
    world.emit(
        0.42, f"postfix/cleanup[{pid(world)}]", f"{child}: message-id={mail.message_id}", mail
    )
    active(world, mail, child, 0.43, 1)
    delivery(
        world,
        mail,
        queue_id,
        0.44,
        to,
        relay="127.0.0.1[127.0.0.1]:10024",
        text=f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {child}",
    )
    late = world.random.random() < 0.3
    removed(world, mail, queue_id, 0.45)
    if late:
        delivery(
            world,
            mail,
            child,
            0.9,
            to,
            relay="none",
            status="deferred",
            dsn="4.4.1",
            text="connect to mx: timed out",
        )
        active(world, mail, child, 900, 1)
        delivery(world, mail, child, 901, to)
        removed(world, mail, child, 901.1)
    else:
        delivery(world, mail, child, 0.439, to)
        removed(world, mail, child, 0.4395)
    mail.recipients[to] = "sent"


def forwarded(world: LogWorld) -> None:
    """A .forward: the copy has an ID and a recipient of its own."""
    to, new = address(world), address(world) + ".fwd"
    mail = world.truth(sender(world), to, new)
    queue_id = accepted(world, mail, 1)
    child = world.queue_id()
    mail.queue_ids.append(child)
    world.emit(
        0.3, f"postfix/cleanup[{pid(world)}]", f"{child}: message-id={mail.message_id}", mail
    )
    active(world, mail, child, 0.31, 1)
    delivery(
        world, mail, queue_id, 0.32, to, agent="local", relay="local", text=f"forwarded as {child}"
    )
    removed(world, mail, queue_id, 0.33)
    delivery(world, mail, child, 0.8, new, original=to)
    removed(world, mail, child, 0.81)
    mail.recipients |= {to: "sent", new: "sent"}


def aliased(world: LogWorld) -> None:
    original, to = address(world), address(world)
    mail = world.truth(sender(world), to, original)
    queue_id = accepted(world, mail, 1)
    delivery(
        world,
        mail,
        queue_id,
        0.4,
        to,
        agent="virtual",
        relay="virtual",
        text="delivered to maildir",
        original=original,
    )
    mail.recipients[to] = "delivered"
    removed(world, mail, queue_id, 0.42)


def picked_up(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth("root@mx1.example.org", to)
    queue_id = world.queue_id()
    mail.queue_ids.append(queue_id)
    world.emit(0, f"postfix/pickup[{pid(world)}]", f"{queue_id}: uid=0 from=<root>", mail)
    created(world, mail, queue_id, 0.05)
    active(world, mail, queue_id, 0.1, 1)
    delivery(world, mail, queue_id, 0.5, to)
    mail.recipients[to] = "sent"
    removed(world, mail, queue_id, 0.51)


def noise(world: LogWorld) -> None:
    """Lines of no message, one of which imitates an ID that is in use."""
    live = world.live[world.host]
    world.emit(0, f"sshd[{pid(world)}]", "Failed password for root from 203.0.113.9 port 4711 ssh2")
    if live:
        world.emit(
            0.1,
            f"pmg-filter[{pid(world)}]",
            f"{next(iter(live))}: new mail message-id=<imitation@example.org>",
        )
        world.emit(
            0.15,
            "postfix/qmgr[812]",
            f"warning: mail for {next(reversed(live))}: is looking for trouble",
        )
    world.emit(
        0.2,
        "postfix/anvil[90]",
        "statistics: max connection rate 3/60s for (smtp:203.0.113.9) at Mar  1 00:00:00",
    )
    world.emit(
        0.3,
        f"postfix/smtp[{pid(world)}]",
        "Untrusted TLS connection established to mx.example.org[192.0.2.9]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
    )


SCENARIOS: dict[str, Scenario] = {
    function.__name__: function
    for function in (
        remote, local, submission, instance, many, retried, stuck, expired, bounce, filtered, forwarded, aliased,
        picked_up, noise,
    )
}  # fmt: skip
