"""Postfix's records as messages: what a real server's log tells."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from smtpadmin.formats.postfix_log import parse_line
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.tracking import search
from smtpadmin.tracking.log_text import open_text
from smtpadmin.tracking.postfix_lines import DIALECT, own
from smtpadmin.tracking.postfix_messages import delivery_status, refused

SAMPLES = Path(__file__).parents[3] / "shared/lab/samples"


@pytest.mark.parametrize("name", ["postfix-mail-mx1.log", "postfix-mail-mx2-milter-longids.log"])
def test_every_line_of_an_id_of_a_real_log_is_in_one_message(name: str) -> None:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip("the lab's samples are not here")
    text = open_text([path])
    found = search.find(text, DIALECT, TrackCriteria(lines=True))
    text.close()
    told = Counter(line for message in found if message.queue_ids for line in message.lines)
    raw = [line for line in path.read_bytes().splitlines() if own(line)]
    assert told == Counter(line.decode() for line in raw)
    for message in found:
        open_ones = [
            r
            for r in message.recipients
            if r.status in (DeliveryStatus.QUEUED, DeliveryStatus.DEFERRED)
        ]
        gone = all(leg.completed for leg in message.legs) and bool(message.legs)
        assert not (gone and open_ones), message
    statuses = {message.status.value for message in found}
    assert {"sent", "bounced", "deferred"} & statuses


HEAD = b"Mar  1 10:00:00 mx1 postfix/"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (
            b"smtp[1]: A1B2C3: to=<a@b>, relay=mx[1.2.3.4]:25, dsn=2.0.0, status=sent (250 ok)",
            "sent",
        ),
        (
            b"lmtp[1]: A1B2C3: to=<a@b>, relay=mx[private/x], dsn=2.0.0, status=sent (250 ok)",
            "delivered",
        ),
        (
            b"local[1]: A1B2C3: to=<a@b>, relay=local, dsn=2.0.0, status=sent (forwarded as D4E5F6)",
            "sent",
        ),
        (b"discard[1]: A1B2C3: to=<a@b>, relay=none, dsn=2.0.0, status=sent (b)", "discarded"),
        (
            b"smtp[1]: A1B2C3: to=<a@b>, relay=127.0.0.1[127.0.0.1]:10024, dsn=2.7.0, status=sent (250 2.7.0 Ok, discarded, id=1-2 - INFECTED: x)",
            "discarded",
        ),
        (b"smtp[1]: A1B2C3: to=<a@b>, relay=none, dsn=5.0.0, status=SOFTBOUNCE (x)", "deferred"),
        (
            b"smtp[1]: A1B2C3: to=<a@b>, relay=none, dsn=5.0.0, status=undeliverable-but-not-cached (x)",
            "unknown",
        ),
    ],
)
def test_the_end_that_a_delivery_line_tells(text: bytes, status: str) -> None:
    assert delivery_status(parse_line(HEAD + text)).value == status


def test_a_discard_before_an_id_is_told_and_a_hold_is_no_refusal() -> None:
    line = (
        HEAD
        + b"smtpd[1]: NOQUEUE: %s: RCPT from c[192.0.2.1]: <a@b>: x; from=<s@x> to=<a@b> proto=ESMTP helo=<c>"
    )
    gone = refused(parse_line(line % b"discard"))
    assert gone is not None
    assert gone.status is DeliveryStatus.DISCARDED
    assert refused(parse_line(line % b"hold")) is None
