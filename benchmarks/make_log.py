"""Writes Postfix logs whose every message is known: what became of it, and its lines.

    python benchmarks/make_log.py FILE --lines 1000000 --seed 1

The same seed gives the same octets. A world is a row of scenarios (one for each thing that can
happen to a message) on a clock; lines of a second are written in the order of their moments. Of
watched messages (all, unless told otherwise) the truth is kept: recipients and their ends, queue
IDs, and every line that has one of them.
"""

from __future__ import annotations

import argparse
import heapq
import os
import random
import sys
import time
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

START = 1_772_323_200  # 2026-03-01T00:00:00Z
DEFERRALS = (300, 600, 1200, 2400)
HEX = "0123456789ABCDEF"


@dataclass(slots=True)
class Truth:
    """One message as it really was."""

    sender: str
    message_id: str | None = None
    recipients: dict[str, str] = field(default_factory=dict)
    queue_ids: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    scenario: str = ""


class World:
    """The clock, the queue IDs in use, and the lines that are still to be written."""

    def __init__(
        self,
        seed: int,
        *,
        watch: str | None = None,
        hosts: tuple[str, ...] = ("mx1",),
        gap: float = 0.25,
        weights: dict[str, int] | None = None,
        rfc3339: bool = False,
    ) -> None:
        self.random = random.Random(seed)
        self.now = float(START)
        self.gap = gap
        self.watch = watch
        self.hosts = hosts
        self.truths: list[Truth] = []
        self.last_stamp = START
        self._rfc3339 = rfc3339
        self._buckets: dict[int, list[tuple[float, int, str, Truth | None]]] = {}
        self._flushed = START - 1
        self._count = 0
        self._free: dict[str, list[tuple[float, str]]] = {host: [] for host in hosts}
        self.live: dict[str, dict[str, float]] = {host: {} for host in hosts}
        self._leaving: list[tuple[float, str, str]] = []
        self.host = hosts[0]
        chosen = weights or ALL
        self._scenarios = [SCENARIOS[name] for name in chosen]
        self._names = list(chosen)
        self._cumulated = list(accumulate(chosen.values()))

    def queue_id(self) -> str:
        """An ID that no message of this host has now; often one that was used before, sometimes
        one that another host uses at this very moment."""
        host, rand = self.host, self.random.random
        free = self._free[host]
        mine = self.live[host]
        if free and free[0][0] < self.now and rand() < 0.3:
            found = heapq.heappop(free)[1]
            if found not in mine:
                mine[found] = self.now
                return found
        if len(self.hosts) > 1 and rand() < 0.1:
            for other in self.hosts:
                if other != host:
                    for found in self.live[other]:
                        if found not in mine:
                            mine[found] = self.now
                            return found
                        break
        while True:
            found = f"{self.random.getrandbits(20):05X}{self.random.getrandbits(22):05X}"
            if found not in mine:
                mine[found] = self.now
                return found

    def emit(self, after: float, tag: str, text: str, truth: Truth | None = None) -> None:
        """One line, so many seconds from now."""
        moment = self.now + after
        self._count += 1
        line = f"{self.host} {tag}: {text}"
        second = int(moment)
        bucket = self._buckets.get(second)
        if bucket is None:
            self._buckets[second] = [(moment, self._count, line, truth)]
        else:
            bucket.append((moment, self._count, line, truth))

    def free(self, after: float, queue_id: str) -> None:
        """The ID may be used again some time after its removal."""
        heapq.heappush(self._leaving, (self.now + after, self.host, queue_id))
        heapq.heappush(self._free[self.host], (self.now + after + 20, queue_id))

    def truth(self, sender: str, *recipients: str) -> Truth:
        """A new message; its truth is kept when it is watched."""
        made = Truth(sender, f"<{self.random.getrandbits(60)}.{int(self.now)}@client.example.net>")
        if self.watch is None or self.watch in recipients:
            self.truths.append(made)
        return made

    def run(self, lines: int) -> Iterator[str]:
        """Blocks of text, with about so many lines."""
        pick, rand = self._cumulated, self.random
        total = pick[-1]
        while self._count < lines:
            self.now += rand.random() * 2 * self.gap
            while self._leaving and self._leaving[0][0] < self.now:
                _, host, queue_id = heapq.heappop(self._leaving)
                self.live[host].pop(queue_id, None)
            if len(self.hosts) > 1:
                self.host = rand.choice(self.hosts)
            number = bisect(pick, rand.random() * total)
            before = len(self.truths)
            self._scenarios[number](self)
            for truth in self.truths[before:]:
                truth.scenario = self._names[number]
            if self._flushed < int(self.now) - 1:
                yield from self._flush(int(self.now) - 1)
        yield from self._flush(None)

    def _flush(self, until: int | None) -> Iterator[str]:
        if until is None:
            seconds = sorted(self._buckets)
        else:
            seconds = [s for s in range(self._flushed + 1, until + 1) if s in self._buckets]
            self._flushed = until
        out: list[str] = []
        for second in seconds:
            bucket = self._buckets.pop(second)
            bucket.sort()
            stamp = self._stamp(second)
            for _, _, line, truth in bucket:
                whole = f"{stamp} {line}"
                out.append(whole)
                if truth is not None:
                    truth.lines.append(whole)
            self.last_stamp = second
        if out:
            out.append("")
            yield "\n".join(out)

    def _stamp(self, second: int) -> str:
        when = time.gmtime(second)
        if self._rfc3339:
            return time.strftime("%Y-%m-%dT%H:%M:%S.123456+00:00", when)
        return f"{time.strftime('%b', when)} {when.tm_mday:2d} {time.strftime('%H:%M:%S', when)}"


def address(world: World) -> str:
    rand = world.random
    return f"user{rand.randrange(20000)}@dom{rand.randrange(400)}.example.org"


def sender(world: World) -> str:
    rand = world.random
    return f"from{rand.randrange(5000)}@send{rand.randrange(300)}.example.net"


def peer(world: World) -> str:
    rand = world.random
    n = rand.randrange(5000)
    return f"mail{n}.example.com[203.0.{n >> 8}.{n & 255}]"


def pid(world: World) -> int:
    return 1000 + world.random.randrange(30000)


def delivery(
    world: World,
    mail: Truth,
    queue_id: str,
    after: float,
    to: str,
    *,
    agent: str = "smtp",
    relay: str | None = None,
    status: str = "sent",
    dsn: str = "2.0.0",
    text: str = "250 2.0.0 Ok: queued as ",
    original: str | None = None,
    delay: float | None = None,
    tag: str = "postfix",
) -> None:
    if text.endswith("queued as "):
        # The other side's ID, which may well be one of ours.
        live = world.live[world.host]
        text += (
            next(iter(live))
            if live and world.random.random() < 0.02
            else f"{world.random.getrandbits(40):010X}"
        )
    where = (
        relay
        if relay is not None
        else f"mx.{to.rpartition('@')[2]}[198.51.100.{world.random.randrange(255)}]:25"
    )
    first = f", orig_to=<{original}>" if original else ""
    world.emit(
        after, f"{tag}/{agent}[{pid(world)}]",
        f"{queue_id}: to=<{to}>{first}, relay={where}, delay={after if delay is None else delay:.2f}, delays=0.02/0/0.1/0.2, dsn={dsn}, status={status} ({text})",
        mail,
    )  # fmt: skip


def accepted(
    world: World,
    mail: Truth,
    nrcpt: int,
    *,
    client: str | None = None,
    tag: str = "postfix/smtpd",
    extra: str = "",
) -> str:
    """connect, client=, message-id=, and the first look of the queue manager."""
    queue_id = world.queue_id()
    mail.queue_ids.append(queue_id)
    who = client or peer(world)
    smtpd = f"{tag}[{pid(world)}]"
    world.emit(0, smtpd, f"connect from {who}")
    world.emit(0.02, smtpd, f"{queue_id}: client={who}{extra}", mail)
    world.emit(
        0.05, f"postfix/cleanup[{pid(world)}]", f"{queue_id}: message-id={mail.message_id}", mail
    )
    active(world, mail, queue_id, 0.1, nrcpt)
    world.emit(0.12, smtpd, f"disconnect from {who} ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5")
    return queue_id


def active(
    world: World, mail: Truth, queue_id: str, after: float, nrcpt: int, *, null: bool = False
) -> None:
    origin = "" if null else mail.sender
    world.emit(
        after,
        "postfix/qmgr[812]",
        f"{queue_id}: from=<{origin}>, size={1000 + len(mail.message_id or '') * 7}, nrcpt={nrcpt} (queue active)",
        mail,
    )


def removed(world: World, mail: Truth, queue_id: str, after: float, by: str = "qmgr[812]") -> None:
    world.emit(after, f"postfix/{by}", f"{queue_id}: removed", mail)
    world.free(after, queue_id)


def remote(world: World, to: str | None = None) -> None:
    to = to or address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    delivery(world, mail, queue_id, 0.6, to)
    mail.recipients[to] = "sent"
    removed(world, mail, queue_id, 0.62)


def local(world: World) -> None:
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


def submission(world: World) -> None:
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


def instance(world: World) -> None:
    """A second instance's transport, under a name of its own."""
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1, tag="postfix-out/smtpd")
    delivery(world, mail, queue_id, 0.7, to, tag="postfix-203.0.113.9")
    mail.recipients[to] = "sent"
    removed(world, mail, queue_id, 0.72)


def many(world: World) -> None:
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
    world: World, mail: Truth, queue_id: str, after: float, what: str = "non-delivery"
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


def retried(world: World, to: str | None = None) -> None:
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


def stuck(world: World) -> None:
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


def expired(world: World) -> None:
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


def bounce(world: World) -> None:
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


def filtered(world: World, to: str | None = None) -> None:
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


def thrown_away(world: World) -> None:
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


def refused(world: World) -> None:
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


def screened(world: World) -> None:
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


def one_refused(world: World) -> None:
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


def milter(world: World) -> None:
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


def held(world: World) -> None:
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


def deleted(world: World) -> None:
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


def requeued(world: World) -> None:
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


def forwarded(world: World) -> None:
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


def aliased(world: World) -> None:
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


def picked_up(world: World) -> None:
    to = address(world)
    mail = world.truth("root@mx1.example.org", to)
    queue_id = world.queue_id()
    mail.queue_ids.append(queue_id)
    world.emit(0, f"postfix/pickup[{pid(world)}]", f"{queue_id}: uid=0 from=<root>", mail)
    world.emit(
        0.05, f"postfix/cleanup[{pid(world)}]", f"{queue_id}: message-id={mail.message_id}", mail
    )
    active(world, mail, queue_id, 0.1, 1)
    delivery(world, mail, queue_id, 0.5, to)
    mail.recipients[to] = "sent"
    removed(world, mail, queue_id, 0.51)


def blackhole(world: World) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = accepted(world, mail, 1)
    delivery(world, mail, queue_id, 0.2, to, agent="discard", relay="none", text="dom.example.org")
    mail.recipients[to] = "discarded"
    removed(world, mail, queue_id, 0.21)


def noise(world: World) -> None:
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


SCENARIOS: dict[str, Callable[[World], None]] = {
    function.__name__: function
    for function in (
        remote, local, submission, instance, many, retried, stuck, expired, bounce, filtered, thrown_away, refused,
        screened, one_refused, milter, held, deleted, requeued, forwarded, aliased, picked_up, blackhole, noise,
    )
}  # fmt: skip
ALL = dict.fromkeys(SCENARIOS, 1) | {"remote": 4}
"""Weights for tests: every kind is frequent."""
USUAL = dict.fromkeys(SCENARIOS, 1) | {
    "remote": 300, "local": 120, "submission": 60, "many": 20, "retried": 30, "bounce": 15, "filtered": 150, "refused": 80,
    "screened": 40, "aliased": 20, "noise": 60, "stuck": 0, "requeued": 0, "held": 0,
}  # fmt: skip
"""Weights of a busy server."""


def write(path: Path, world: World, lines: int) -> int:
    """Write a log; the octets written. The file's time is that of its last line."""
    size = 0
    with path.open("w", encoding="ascii", newline="") as file:
        for block in world.run(lines):
            size += file.write(block)
    os.utime(path, (world.last_stamp, world.last_stamp))
    return size


class BusyWorld(World):
    """A busy server, with a recipient of ``some`` mails and one of ``lots``."""

    SOME, LOTS = "rare.person@known.example.org", "list@popular.example.org"

    def __init__(self, seed: int, messages: int, some: int = 30, lots: int = 7000) -> None:
        super().__init__(seed, watch=self.SOME, weights={name: n for name, n in USUAL.items() if n})
        kinds = (remote, remote, filtered, retried)
        chosen = self.random.sample(range(messages), some + lots)
        plan = {
            at: (self.SOME if n < some else self.LOTS, kinds[n % 4]) for n, at in enumerate(chosen)
        }
        usual = self._scenarios
        self._made = 0

        def planned(scenario: Callable[[World], None]) -> Callable[[World], None]:
            def run(world: World) -> None:
                self._made += 1
                special = plan.get(self._made)
                if special:
                    special[1](world, special[0])  # type: ignore[operator]
                else:
                    scenario(world)

            return run

        self._scenarios = [planned(scenario) for scenario in usual]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    world = BusyWorld(options.seed, options.lines // 9, lots=max(options.lines // 1500, 1))
    size = write(options.file, world, options.lines)
    print(
        f"{size / 1e6:.0f} MB in {time.perf_counter() - began:.0f} s, {len(world.truths)} mails to {world.SOME}",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
