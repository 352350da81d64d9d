"""Writes Exim main logs whose every message is known; see ``make_log.py``.

python benchmarks/make_exim_log.py FILE --lines 1000000 --seed 1
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, or imported by tests

from benchmarks.log_world import LogWorld, Scenario, Truth, address, sender, write

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(number: int, width: int) -> str:
    out = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        out = DIGITS[digit] + out
    return out


class EximWorld(LogWorld):
    """A log of Exim before 4.97 (``long_ids`` False), of later ones, or of both (None)."""

    SOME = "rare.person@known.example.org"

    def __init__(
        self,
        seed: int,
        *,
        watch: str | None = None,
        gap: float = 0.25,
        long_ids: bool | None = True,
        weights: dict[str, int] | None = None,
        some: int = 0,
        messages: int = 1,
    ) -> None:
        chosen = weights or dict.fromkeys(EXIM, 1) | {"sent": 6}
        scenarios = {name: self._planned(EXIM[name]) for name in chosen}
        super().__init__(seed, scenarios, chosen, watch=watch, gap=gap)
        self._long = long_ids
        self._plan = set(self.random.sample(range(messages), some)) if some else set()
        self._made = 0

    def _planned(self, scenario: Scenario) -> Scenario:
        def run(world: LogWorld) -> None:
            self._made += 1
            if self._made in self._plan:
                sent(world, self.SOME)
            else:
                scenario(world)

        return run

    def queue_id(self) -> str:
        rand = self.random
        long = self._long if self._long is not None else rand.random() < 0.5
        first = base62(int(self.now), 6)
        if long:
            return f"{first}-{base62(rand.getrandbits(34), 11)}-{base62(rand.getrandbits(22), 4)}"
        return f"{first}-{base62(rand.getrandbits(34), 6)}-{base62(rand.getrandbits(11), 2)}"

    def emit(self, after: float, tag: str, text: str, truth: Truth | None = None) -> None:
        moment = self.now + after
        self._count += 1
        entry = (moment, self._count, f"[{tag}] {text}" if tag else text, truth)
        self._buckets.setdefault(int(moment), []).append(entry)

    def _stamp(self, second: int) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))


def pid(world: LogWorld) -> str:
    return str(1000 + world.random.randrange(30000))


def host(world: LogWorld) -> str:
    n = world.random.randrange(5000)
    return f"mail{n}.example.com [203.0.{n >> 8}.{n & 255}]"


def arrival(world: LogWorld, mail: Truth, *to: str) -> str:
    queue_id = world.queue_id()
    mail.queue_ids.append(queue_id)
    bare = (mail.message_id or "").strip("<>")
    world.emit(
        0,
        pid(world),
        f'{queue_id} <= {mail.sender} H={host(world)} P=esmtps X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no S=2345 id={bare} T="R=x a \\"b\\" => c" for {" ".join(to)}',
        mail,
    )
    return queue_id


def handed(
    world: LogWorld, mail: Truth, queue_id: str, after: float, to: str, flag: str = "=>"
) -> None:
    domain = to.rpartition("@")[2]
    # The other side's ID may look like one of ours.
    world.emit(
        after,
        pid(world),
        f'{queue_id} {flag} {to} R=dnslookup T=remote_smtp H=mx.{domain} [198.51.100.{world.random.randrange(255)}] X=TLS1.3:x C="250 OK id={world.queue_id()}" DT=0s',
        mail,
    )


def completed(world: LogWorld, mail: Truth, queue_id: str, after: float) -> None:
    world.emit(after, pid(world), f"{queue_id} Completed QT={int(after)}s", mail)


def sent(world: LogWorld, to: str | None = None) -> None:
    to = to or address(world)
    mail = world.truth(sender(world), to)
    queue_id = arrival(world, mail, to)
    handed(world, mail, queue_id, 0.5, to)
    mail.recipients[to] = "sent"
    completed(world, mail, queue_id, 0.6)


def several(world: LogWorld) -> None:
    to = list(dict.fromkeys(address(world) for _ in range(3)))
    mail = world.truth(sender(world), *to)
    queue_id = arrival(world, mail, *to)
    for number, one in enumerate(to):
        handed(world, mail, queue_id, 0.5 + number / 10, one, "->" if number else "=>")
        mail.recipients[one] = "sent"
    completed(world, mail, queue_id, 1.5)


def local(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = arrival(world, mail, to)
    world.emit(
        0.3,
        pid(world),
        f"{queue_id} => {to.partition('@')[0]} <{to}> R=local_user T=mail_spool",
        mail,
    )
    mail.recipients[to] = "delivered"
    completed(world, mail, queue_id, 0.4)


def aliased(world: LogWorld) -> None:
    original, to, other = address(world), address(world), address(world) + ".x"
    mail = world.truth(sender(world), original, to, other)
    queue_id = arrival(world, mail, original)
    world.emit(
        0.3,
        pid(world),
        f'{queue_id} => {to} <{original}> R=dnslookup T=remote_smtp H=mx [192.0.2.7] C="250 OK"',
        mail,
    )
    world.emit(
        0.4,
        pid(world),
        f'{queue_id} => {other} <{original}> R=dnslookup T=remote_smtp H=mx [192.0.2.7] C="250 OK"',
        mail,
    )
    mail.recipients |= {to: "sent", other: "sent"}
    completed(world, mail, queue_id, 0.5)


def retried(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = arrival(world, mail, to)
    for after in (0.5, 900.5):
        world.emit(
            after,
            pid(world),
            f"{queue_id} == {to} R=dnslookup T=remote_smtp defer (110): Connection timed out",
            mail,
        )
    handed(world, mail, queue_id, 1800, to)
    mail.recipients[to] = "sent"
    completed(world, mail, queue_id, 1800.1)


def bounced(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = arrival(world, mail, to)
    world.emit(
        0.4,
        pid(world),
        f"{queue_id} ** {to} R=dnslookup T=remote_smtp H=mx [192.0.2.7]: SMTP error from remote mail server after RCPT TO:<{to}>: 550 5.1.1 R=x unknown",
        mail,
    )
    notification(world, mail, queue_id, 0.5)
    mail.recipients[to] = "bounced"
    completed(world, mail, queue_id, 0.9)


def notification(world: LogWorld, mail: Truth, queue_id: str, after: float) -> None:
    child = world.queue_id()
    mail.queue_ids.append(child)
    world.emit(
        after,
        pid(world),
        f'{child} <= <> R={queue_id} U=Debian-exim P=local S=999 T="Mail delivery failed" for {mail.sender}',
        mail,
    )
    handed(world, mail, child, after + 0.2, mail.sender)
    completed(world, mail, child, after + 0.3)


def gave_up(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = arrival(world, mail, to)
    world.emit(
        0.5,
        pid(world),
        f"{queue_id} == {to} R=dnslookup T=remote_smtp defer (110): Connection timed out",
        mail,
    )
    world.emit(2000, pid(world), f"{queue_id} ** {to}: retry timeout exceeded", mail)
    notification(world, mail, queue_id, 2000.1)
    mail.recipients[to] = "expired"
    completed(world, mail, queue_id, 2001)


def blackhole(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = arrival(world, mail, to)
    world.emit(0.2, pid(world), f"{queue_id} => :blackhole: <{to}> R=drop", mail)
    mail.recipients[to] = "discarded"
    completed(world, mail, queue_id, 0.3)


def refused(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    mail.message_id = None
    world.emit(
        0,
        pid(world),
        f"H={host(world)} F=<{mail.sender}> rejected RCPT <{to}>: Unrouteable address",
        mail,
    )
    mail.recipients[to] = "rejected"


def after_data(world: LogWorld) -> None:
    mail = world.truth(sender(world))
    queue_id = world.queue_id()
    mail.queue_ids.append(queue_id)
    mail.message_id = None
    world.emit(0, pid(world), f"{queue_id} H={host(world)} Warning: scanned", mail)
    world.emit(
        0.1,
        pid(world),
        f"{queue_id} H={host(world)} F=<{mail.sender}> rejected after DATA: this looks like spam",
        mail,
    )


def frozen(world: LogWorld) -> None:
    to = address(world)
    mail = world.truth(sender(world), to)
    queue_id = arrival(world, mail, to)
    world.emit(0.1, pid(world), f"{queue_id} frozen by ACL", mail)
    world.emit(600, pid(world), f"{queue_id} Message is frozen", mail)
    mail.recipients[to] = "held"


EXIM = {
    function.__name__: function
    for function in (sent, several, local, aliased, retried, bounced, gave_up, blackhole, refused, after_data, frozen)
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short-ids", action="store_true")
    options = parser.parse_args()
    world = EximWorld(
        options.seed, watch=EximWorld.SOME, long_ids=not options.short_ids, some=30,
        messages=options.lines // 6, weights={**dict.fromkeys(EXIM, 1), "sent": 60, "local": 20, "frozen": 0},
    )  # fmt: skip
    size = write(options.file, world, options.lines)
    print(f"{size / 1e6:.0f} MB, {len(world.truths)} mails to {world.SOME}", file=sys.stderr)


if __name__ == "__main__":
    main()
