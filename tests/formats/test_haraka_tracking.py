"""Haraka's messages: transactions, their outbound legs, refusals, and what the lab's server wrote."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.formats.haraka_tracking import find
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import Client, TrackCriteria, TrackedMessage
from smtpadmin.tracking.files import FORMATS, read_records
from tests.support.log_writers import parsed

SAMPLE = Path(__file__).resolve().parents[3] / "shared/lab/samples/haraka.log"
CONNECTION = "925D6479-2574-42C5-91F9-9CBF9CF9C294"
ID = f"{CONNECTION}.1"


def line(text: str, uuid: str = ID, second: int = 0) -> str:
    return f"2026-11-23T15:21:{second:02}.000Z [NOTICE] [{uuid}] [core] {text}"


def track(*lines: str, **wanted: Any) -> list[TrackedMessage]:
    return list(find(parsed("haraka", list(lines)), TrackCriteria(**({"lines": True} | wanted))))


CONNECT = line("connect ip=192.0.2.7 port=5 local_ip=::1 local_port=25", CONNECTION)
ARRIVAL = (
    CONNECT,
    line('sender <a@example.org> code=CONT msg=""'),
    line('recipient <b@c.example> code=OK msg="" sender=a@example.org'),
    line('recipient <d@e.example> code=OK msg="" sender=a@example.org'),
    line('message mid="<x@y>" size=21 rcpts=2/0/0 delay=0 code=CONT msg=""'),
    line(f'queue code=OK msg="Message Queued ({ID})"'),
)


def hook(domain: str, leg: int) -> str:
    return line(f" hook=get_mx plugin=x function=y params={domain} retval=OK", f"{ID}.{leg}")


def delivered(domain: str, leg: int) -> str:
    return line(f" delivered file=f domain={domain} host=mx ip=192.0.2.9 port=25 mode=SMTP tls=N auth=N"
                " response=Ok: queued delay=0.5 fails=0 rcpts=1/0/0", f"{ID}.{leg}")  # fmt: skip


def test_each_domain_is_a_leg_with_its_own_end() -> None:
    (found,) = track(*ARRIVAL, hook("c.example", 1), hook("e.example", 2), delivered("c.example", 1),
                     line("Temp failing f for 60 seconds: Tried all MXs", f"{ID}.2"))  # fmt: skip
    assert found.queue_ids == (ID, f"{ID}.1", f"{ID}.2")
    assert {r.address: (r.status, r.reply) for r in found.recipients} == {
        "b@c.example": (S.SENT, "Ok: queued"),
        "d@e.example": (S.DEFERRED, "Tried all MXs"),
    }
    assert (found.client, found.message_id, found.size) == (Client(None, "192.0.2.7"), "<x@y>", 21)
    assert (found.recipients[0].delay, found.recipients[0].relay) == (0.5, "mx[192.0.2.9]")
    assert CONNECT not in found.lines
    assert len(found.lines) == 9


def test_a_line_of_its_own_and_the_summary_are_one_attempt() -> None:
    own = line("recipient <b@c.example> deferred: 450 4.2.0 later", f"{ID}.1")
    summary = line(
        "Temp failing f for 60 seconds: Some recipients temp failed: <b@c.example>", f"{ID}.1"
    )
    (found,) = track(*ARRIVAL, hook("c.example", 1), own, summary, own, summary)
    assert (found.recipients[0].attempts, found.recipients[0].dsn) == (2, "4.2.0")
    assert found.recipients[1].status is S.QUEUED


def test_a_bounce_of_a_whole_domain() -> None:
    (found,) = track(
        *ARRIVAL, hook("c.example", 1), line("bouncing mail: No MX for c.example", f"{ID}.1")
    )
    assert [r.status for r in found.recipients] == [S.BOUNCED, S.QUEUED]


def test_handed_to_a_queue_plugin_at_once() -> None:
    (found,) = track(*ARRIVAL[:-1], line('queue code=OK msg="250 ok id=7"'))
    assert [(r.status, r.reply) for r in found.recipients] == [(S.SENT, "250 ok id=7")] * 2


@pytest.mark.parametrize(
    "last",
    [
        'message mid="" size=9 rcpts=2/0/0 delay=0 code=DENY msg="virus"',
        'queue code=DENYSOFT msg="virus"',
    ],
)
def test_refused_after_data(last: str) -> None:
    (found,) = track(*ARRIVAL[:-2], line(last))
    assert found.status is S.REJECTED
    assert {r.reply for r in found.recipients} == {"virus"}


def test_a_refused_sender_and_recipient() -> None:
    (found,) = track(line('sender <> code=DENY msg="no"'))
    assert (found.sender, found.status, found.recipients) == ("", S.REJECTED, ())
    (found,) = track(ARRIVAL[1], line('recipient <b@c.example> code=DENY msg="no such user"'))
    assert [(r.status, r.reply) for r in found.recipients] == [(S.REJECTED, "no such user")]


@pytest.mark.skipif(not SAMPLE.exists(), reason="the lab's samples are not here")
def test_what_the_lab_wrote() -> None:
    """Domains whose hosts accept, refuse, put off, are down, or have no MX; two attempts each."""
    records = list(read_records([SAMPLE], FORMATS["haraka"]))
    found = list(find(records, TrackCriteria(lines=True)))
    ends = Counter(
        (r.address.partition("@")[2], r.status, r.attempts) for m in found for r in m.recipients
    )
    assert ends == {
        ("sink.test", S.SENT, 1): 55,
        ("down.test", S.DEFERRED, 2): 23,
        ("tempfail.test", S.DEFERRED, 2): 18,
        ("reject.test", S.BOUNCED, 1): 16,
        ("other.test", S.BOUNCED, 1): 8,
    }
    bounces = [message for message in found if not message.recipients]
    assert (len(bounces), {message.status for message in bounces}) == (24, {S.BOUNCED})
    said = Counter(line for message in found for line in message.lines)
    assert said == Counter(record.raw for record in records if record.queue_id)
