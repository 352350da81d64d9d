"""The world of a made-up Postfix log: its clock, its queue IDs, its messages, and the lines of each.

``log_scenarios.py``, ``log_refusals.py`` and ``log_legs.py`` say what can happen in it, ``make_log.py``
writes it.
"""

from __future__ import annotations

import heapq
import os
import random
import time
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
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


Scenario = Callable[["LogWorld"], None]


class LogWorld:
    """The clock, the queue IDs in use, and the lines that are still to be written."""

    def __init__(
        self,
        seed: int,
        scenarios: Mapping[str, Scenario],
        weights: Mapping[str, int],
        *,
        watch: str | None = None,
        hosts: tuple[str, ...] = ("mx1",),
        gap: float = 0.25,
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
        self._scenarios = [scenarios[name] for name in weights]
        self._names = list(weights)
        self._cumulated = list(accumulate(weights.values()))

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
                truth.scenario = truth.scenario or self._names[number]
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


def address(world: LogWorld) -> str:
    rand = world.random
    return f"user{rand.randrange(20000)}@dom{rand.randrange(400)}.example.org"


def sender(world: LogWorld) -> str:
    rand = world.random
    return f"from{rand.randrange(5000)}@send{rand.randrange(300)}.example.net"


def peer(world: LogWorld) -> str:
    rand = world.random
    n = rand.randrange(5000)
    return f"mail{n}.example.com[203.0.{n >> 8}.{n & 255}]"


def pid(world: LogWorld) -> int:
    return 1000 + world.random.randrange(30000)


def delivery(
    world: LogWorld,
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
    world: LogWorld,
    mail: Truth,
    nrcpt: int,
    *,
    client: str | None = None,
    tag: str = "postfix/smtpd",
    extra: str = "",
    after: float = 0,
) -> str:
    """connect, client=, message-id=, and the first look of the queue manager."""
    queue_id = world.queue_id()
    mail.queue_ids.append(queue_id)
    who = client or peer(world)
    smtpd = f"{tag}[{pid(world)}]"
    world.emit(after, smtpd, f"connect from {who}")
    world.emit(after + 0.02, smtpd, f"{queue_id}: client={who}{extra}", mail)
    created(world, mail, queue_id, after + 0.05)
    active(world, mail, queue_id, after + 0.1, nrcpt)
    end = "ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
    world.emit(after + 0.12, smtpd, f"disconnect from {who} {end}")
    return queue_id


def picked(world: LogWorld, mail: Truth, nrcpt: int, uid: int, *, after: float = 0) -> str:
    """A program of this machine handed it in: pickup, message-id=, the queue manager."""
    queue_id = world.queue_id()
    mail.queue_ids.append(queue_id)
    pickup = f"postfix/pickup[{pid(world)}]"
    world.emit(after, pickup, f"{queue_id}: uid={uid} from=<{mail.sender}>", mail)
    created(world, mail, queue_id, after + 0.05)
    active(world, mail, queue_id, after + 0.1, nrcpt)
    return queue_id


def created(world: LogWorld, mail: Truth, queue_id: str, after: float) -> None:
    world.emit(
        after,
        f"postfix/cleanup[{pid(world)}]",
        f"{queue_id}: message-id={mail.message_id}",
        mail,
    )


def active(
    world: LogWorld, mail: Truth, queue_id: str, after: float, nrcpt: int, *, null: bool = False
) -> None:
    origin = "" if null else mail.sender
    world.emit(
        after,
        "postfix/qmgr[812]",
        f"{queue_id}: from=<{origin}>, size={1000 + len(mail.message_id or '') * 7}, nrcpt={nrcpt} (queue active)",
        mail,
    )


def removed(
    world: LogWorld, mail: Truth, queue_id: str, after: float, by: str = "qmgr[812]"
) -> None:
    world.emit(after, f"postfix/{by}", f"{queue_id}: removed", mail)
    world.free(after, queue_id)


def write(path: Path, world: LogWorld, lines: int) -> int:
    """Write a log; the octets written. The file's time is that of its last line."""
    size = 0
    with path.open("w", encoding="ascii", newline="") as file:
        for block in world.run(lines):
            size += file.write(block)
    os.utime(path, (world.last_stamp, world.last_stamp))
    return size
