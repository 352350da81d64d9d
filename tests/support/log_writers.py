"""Logs of every format with known contents: what a message is, and the lines that servers write of it."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from smtpadmin.formats.exchange_log import GENERATIONS
from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.tracking.files import FORMATS, LogTimes

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Step = Callable[[datetime], str]
"""Makes one line of the time at which it is written."""


@dataclass(frozen=True)
class Mail:
    """One message and what becomes of each recipient, attempt by attempt."""

    number: int
    sender: str
    ends: Mapping[str, tuple[S, ...]]

    @property
    def message_id(self) -> str:
        return f"<m{self.number}@acme.example>"


@dataclass(frozen=True)
class Writer:
    """How one format tells of a mail. ``ends`` are the states that it can tell; ``ids`` whether it
    has queue IDs, ``message_ids`` whether it names Message-IDs; ``retries`` whether it tells of
    attempts."""

    steps: Callable[[Mail], list[Step]]
    ends: tuple[S, ...] = (S.SENT, S.DEFERRED, S.BOUNCED)
    queue_id: Callable[[int], str] | None = None
    message_ids: bool = True
    retries: bool = True


@dataclass
class Written:
    """A log, and which of its lines belong to which mail."""

    name: str
    mails: list[Mail]
    lines: list[str] = field(default_factory=list)
    of: list[int] = field(default_factory=list)
    began: dict[int, datetime] = field(default_factory=dict)

    def lines_of(self, number: int) -> tuple[str, ...]:
        return tuple(line for line, of in zip(self.lines, self.of, strict=True) if of == number)

    def records(self, first: int = 0, end: int | None = None) -> Iterator[LogRecord]:
        yield from parsed(self.name, self.lines[first:end])


def parsed(name: str, lines: list[str]) -> Iterator[LogRecord]:
    """The records of a log of that format."""
    from smtpadmin.formats.log_clock import LogClock

    parse = FORMATS[name].parser(LogClock(LogTimes().zone, year=2026))
    for number, line in enumerate(lines, 1):
        yield parse(line.encode(), file="log", number=number)


def mails(writer: Writer, count: int, seed: int) -> list[Mail]:
    """Mails with one to three recipients and up to three attempts for each."""
    dice = random.Random(seed)
    return [
        Mail(
            number,
            dice.choice(("anna@acme.example", "carol@acme.example", "")),
            {
                f"u{number}x{n}@{dice.choice(('a', 'b'))}.example": _ends(writer, dice)
                for n in range(dice.randint(1, 3))
            },
        )
        for number in range(count)
    ]


def _ends(writer: Writer, dice: random.Random) -> tuple[S, ...]:
    last = dice.choice(writer.ends)
    if not writer.retries or S.DEFERRED not in writer.ends:
        return (last,)
    if last is S.DEFERRED:
        return (S.DEFERRED,) * 3  # what is still open is tried whenever another is
    return (*[S.DEFERRED] * dice.randint(0, 2), last)


def write(name: str, told: list[Mail], seed: int = 1) -> Written:
    """Their lines, those of all mails mixed, each mail's in order, one second apart."""
    writer, dice = WRITERS[name], random.Random(seed)
    written = Written(name, told)
    waiting = [(mail.number, writer.steps(mail)) for mail in told]
    while waiting:
        # Mails overlap with their neighbours, as in a real log.
        place = dice.randrange(min(len(waiting), 4))
        number, steps = waiting[place]
        now = START + timedelta(seconds=len(written.lines))
        written.began.setdefault(number, now)
        written.lines.append(steps.pop(0)(now))
        written.of.append(number)
        if not steps:
            del waiting[place]
    return written


def rounds(mail: Mail) -> Iterator[tuple[str, S]]:
    """Every attempt, the first of all recipients before the second of any."""
    for turn in range(max(map(len, mail.ends.values()))):
        for address, ends in mail.ends.items():
            if turn < len(ends):
                yield address, ends[turn]


REPLIES = {
    S.SENT: "250 2.0.0 ok",
    S.DEFERRED: "450 4.2.0 later",
    S.BOUNCED: "550 5.1.1 no such user",
}


def _syslog(program: str, text: str) -> Step:
    return lambda now: f"{now:%b %e %H:%M:%S} mx1 {program}[7]: {text}"


def sendmail_id(number: int) -> str:
    return f"x2{'ABCDEF'[number % 6]}C0{number % 10}AB{number:06d}"


def _sendmail(mail: Mail) -> list[Step]:
    queue_id = sendmail_id(mail.number)
    stats = {
        S.SENT: "dsn=2.0.0, stat=Sent (ok)",
        S.DEFERRED: "dsn=4.2.0, stat=Deferred: later",
        S.BOUNCED: "dsn=5.1.1, stat=User unknown",
    }
    first = (
        f"{queue_id}: from=<{mail.sender}>, size=10, nrcpts={len(mail.ends)},"
        f" msgid={mail.message_id}, relay=ws [192.0.2.7]"
    )
    return [
        _syslog("sm-mta", first),
        *(
            _syslog("sm-mta", f"{queue_id}: to=<{address}>, delay=00:00:02, mailer=esmtp,"
                    f" relay=mx. [192.0.2.9], {stats[end]}")
            for address, end in rounds(mail)
        ),
    ]  # fmt: skip


def opensmtpd_id(number: int) -> str:
    return f"{number + 0xA0000000:08x}"


def _opensmtpd(mail: Mail) -> list[Step]:
    queue_id, session = opensmtpd_id(mail.number), f"{mail.number:016x}"
    results = {S.SENT: "Ok", S.DEFERRED: "TempFail", S.BOUNCED: "PermFail"}
    envelopes = {address: f"{queue_id}{n:08x}" for n, address in enumerate(mail.ends)}
    return [
        _syslog("smtpd", f"{session} smtp message msgid={queue_id} size=10 nrcpt={len(mail.ends)}"),
        *(
            _syslog("smtpd", f"{session} smtp envelope evpid={e} from=<{mail.sender}> to=<{to}>")
            for to, e in envelopes.items()
        ),
        *(
            _syslog("smtpd", f"{session} mta delivery evpid={envelopes[to]} from=<{mail.sender}>"
                    f' to=<{to}> rcpt=<-> source="192.0.2.1" relay="192.0.2.9 (mx)" delay=2s'
                    f' result="{results[end]}" stat="{REPLIES[end]}"')
            for to, end in rounds(mail)
        ),
    ]  # fmt: skip


def exchange_row(now: datetime, columns: int = 30, **values: str) -> str:
    """A row of one generation; names with ``_`` for ``-``."""
    row = {name.replace("_", "-"): value for name, value in values.items()}
    row["date-time"] = now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return ",".join(
        f'"{value}"' if "," in (value := row.get(name, "")) else value
        for name in GENERATIONS[columns]
    )


def _exchange(mail: Mail) -> list[Step]:
    common = {
        "internal_message_id": str(1000 + mail.number),
        "message_id": mail.message_id,
        "network_message_id": str(uuid.UUID(int=mail.number)),
        "sender_address": mail.sender or "<>",
        "total_bytes": "10",
    }
    events = {S.SENT: "SEND", S.DEFERRED: "DEFER", S.BOUNCED: "FAIL"}

    def arrival(now: datetime) -> str:
        return exchange_row(now, event_id="RECEIVE", source="SMTP", server_hostname="EX1",
                            client_ip="192.0.2.7", recipient_address=";".join(mail.ends), **common)  # fmt: skip

    def attempt(address: str, end: S) -> Step:
        ours = "client_hostname" if end is S.SENT else "server_hostname"
        values = {ours: "EX1", "recipient_status": REPLIES[end], **common}
        if end is S.SENT:
            values["server_hostname"] = "mx.b.example"
        return lambda now: exchange_row(now, event_id=events[end], source="SMTP",
                                        recipient_address=address, **values)  # fmt: skip

    return [arrival, *(attempt(address, end) for address, end in rounds(mail))]


def kumomta_id(number: int) -> str:
    return uuid.UUID(int=number).hex


def _kumomta(mail: Mail) -> list[Step]:
    kinds = {S.SENT: "Delivery", S.DEFERRED: "TransientFailure", S.BOUNCED: "Bounce"}
    common = {"id": kumomta_id(mail.number), "sender": mail.sender, "size": 10, "nodeid": "n1",
              "headers": {"Message-ID": mail.message_id}}  # fmt: skip

    def line(kind: str, to: object, reply: str | None = None) -> Step:
        def step(now: datetime) -> str:
            response = {"code": int(reply[:3]), "content": reply[4:]} if reply else {}
            return json.dumps({"type": kind, "recipient": to, "timestamp": now.timestamp(),
                               "response": response, **common})  # fmt: skip

        return step

    return [
        line("Reception", list(mail.ends)),
        *(line(kinds[end], [to], REPLIES[end]) for to, end in rounds(mail)),
    ]


def haraka_id(number: int) -> str:
    return f"{str(uuid.UUID(int=number)).upper()}.1"


def _haraka(mail: Mail) -> list[Step]:
    base = haraka_id(mail.number)
    domains = list(dict.fromkeys(address.partition("@")[2] for address in mail.ends))

    def line(text: str, queue_id: str = base, part: str = "core") -> Step:
        return lambda now: f"{now:%Y-%m-%dT%H:%M:%S}.000Z [NOTICE] [{queue_id}] [{part}] {text}"

    steps = [line(f'sender <{mail.sender}> code=CONT msg=""')]
    steps += [line(f'recipient <{to}> code=OK msg="" sender=x') for to in mail.ends]
    steps.append(
        line(f'message mid="{mail.message_id}" size=10 rcpts=1/0/0 delay=0 code=CONT msg=""')
    )
    steps.append(line(f'queue code=OK msg="Message Queued ({base})"'))
    for number, domain in enumerate(domains, 1):
        leg = f"{base}.{number}"
        steps.append(
            line(f" hook=get_mx plugin=x function=y params={domain} retval=OK", leg, "outbound")
        )
        part = {to: ends for to, ends in mail.ends.items() if to.endswith("@" + domain)}
        for turn in range(max(map(len, part.values()))):
            now_due = {to: ends[turn] for to, ends in part.items() if turn < len(ends)}
            words = {S.DEFERRED: "deferred", S.BOUNCED: "rejected"}
            steps += [
                line(f"recipient <{to}> {words[end]}: {REPLIES[end]}", leg, "outbound")
                for to, end in now_due.items() if end is not S.SENT
            ]  # fmt: skip
            late = [to for to, ends in part.items() if turn + 1 < len(ends)]
            if S.SENT in now_due.values():
                steps.append(line(f" delivered file=f domain={domain} host=mx ip=192.0.2.9 port=25"
                                  " response=ok delay=0.1 fails=0 rcpts=1/0/0", leg, "outbound"))  # fmt: skip
            elif late:
                steps.append(line("Temp failing f for 60 seconds: Some recipients temp failed: "
                                  + ", ".join(f"<{to}>" for to in late), leg, "outbound"))  # fmt: skip
    return steps


def _rspamd(mail: Mail) -> list[Step]:
    actions = {S.REJECTED: "reject", S.DEFERRED: "greylist", S.FILTERED: "add header",
               S.UNKNOWN: "no action"}  # fmt: skip
    end = next(iter(mail.ends.values()))[0]

    def scan(now: datetime) -> str:
        return json.dumps({"unix_time": now.timestamp(), "action": actions[end], "score": 1,
                           "required_score": 15, "sender_smtp": mail.sender, "size": 10,
                           "rcpt_smtp": list(mail.ends), "message-id": mail.message_id[1:-1]})  # fmt: skip

    return [scan]


def _ftgate(mail: Mail) -> list[Step]:
    def row(way: str, to: str) -> Step:
        return lambda now: (
            f"{now:%Y-%m-%d},{now:%H:%M:%S},{way},{mail.message_id},<{mail.sender}>,{to},10"
        )

    return [
        *(row("In", to) for to in mail.ends),
        *(row("Out", to) for to, ends in mail.ends.items() if ends[-1] is S.SENT),
    ]


def builtin_id(number: int) -> str:
    return f"B{number:07d}"


def _builtin(mail: Mail) -> list[Step]:
    def line(event: str, **fields: Any) -> Step:
        common = {
            "host": "mx1",
            "level": "info",
            "event": event,
            "queue_id": builtin_id(mail.number),
        }
        return lambda now: json.dumps({"time": now.isoformat()} | common | fields)

    return [
        line("message-id", **{"message-id": mail.message_id}),
        line("queued", **{"from": mail.sender, "to": list(mail.ends), "size": 10}),
        *(
            line("delivery", to=to, status=end.value, dsn="2.0.0", reply=REPLIES[end], relay="mx")
            for to, end in rounds(mail)
        ),
    ]


WRITERS: Mapping[str, Writer] = {
    "builtin": Writer(_builtin, queue_id=builtin_id),
    "sendmail": Writer(_sendmail, queue_id=sendmail_id),
    "opensmtpd": Writer(_opensmtpd, queue_id=opensmtpd_id, message_ids=False),
    "exchange": Writer(_exchange, queue_id=lambda number: str(1000 + number)),
    "kumomta": Writer(_kumomta, queue_id=kumomta_id),
    "haraka": Writer(_haraka, queue_id=haraka_id),
    "rspamd": Writer(_rspamd, ends=(S.REJECTED, S.DEFERRED, S.FILTERED, S.UNKNOWN), retries=False),
    "ftgate": Writer(_ftgate, ends=(S.SENT, S.UNKNOWN), retries=False),
}
