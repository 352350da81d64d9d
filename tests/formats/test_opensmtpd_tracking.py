"""OpenSMTPD's messages, from new lines and old ones, and what the lab's server wrote."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.formats.opensmtpd_tracking import find
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import Client, TrackCriteria, TrackedMessage
from smtpadmin.tracking.files import FORMATS, read_records
from tests.support.log_writers import parsed

SAMPLE = Path(__file__).resolve().parents[3] / "shared/lab/samples/opensmtpd-maillog.log"
SESSION, OTHER, ENVELOPE = "d50d077818a43669", "d50d077cfbe0395d", "ecf91a0b5434270e"


def track(*lines: str, **wanted: Any) -> list[TrackedMessage]:
    return list(find(parsed("opensmtpd", list(lines)), TrackCriteria(**({"lines": True} | wanted))))


def delivery(result: str = "Ok", component: str = "mta", rcpt: str = "-") -> str:
    return (
        f"{OTHER} {component} delivery evpid={ENVELOPE} from=<a@example.org> to=<b@c.example>"
        f' rcpt=<{rcpt}> source="192.0.2.1" relay="192.0.2.9 (mx)" delay=1h2m3s'
        f' result="{result}" stat="250 2.0.0 ok"'
    )


ARRIVAL = (
    f"{SESSION} smtp connected address=192.0.2.7 host=ws.example.org",
    f"{SESSION} smtp message msgid=ecf91a0b size=268 nrcpt=1 proto=ESMTP",
    f"{SESSION} smtp envelope evpid={ENVELOPE} from=<a@example.org> to=<b@c.example>",
)


def test_a_message_and_its_client() -> None:
    (found,) = track(*ARRIVAL, delivery(rcpt="team@c.example"))
    assert (found.queue_ids, found.sender, found.size) == (("ecf91a0b",), "a@example.org", 268)
    assert found.client == Client("ws.example.org", "192.0.2.7")
    (recipient,) = found.recipients
    assert (recipient.status, recipient.delay, recipient.dsn) == (S.SENT, 3723.0, "2.0.0")
    assert (recipient.original, recipient.relay) == ("team@c.example", "192.0.2.9 (mx)")
    assert found.lines == (*ARRIVAL[1:], delivery(rcpt="team@c.example"))  # no line of the session


def test_final_delivery_and_what_is_still_open() -> None:
    assert track(*ARRIVAL, delivery(component="mda"))[0].status is S.DELIVERED
    assert (
        track(*ARRIVAL, delivery("TempFail"), delivery("TempFail"))[0].recipients[0].attempts == 2
    )
    assert track(*ARRIVAL[:2])[0].status is S.QUEUED


def test_refusals_of_messages_but_not_of_other_commands() -> None:
    found = track(
        ARRIVAL[0],
        f'{SESSION} smtp failed-command command="rcpt TO:<x@c.example>" result="550 5.1.1 no"',
        f'{SESSION} smtp failed-command command="mail FROM:<> size=9" result="450 4.3.0 later"',
        f'{SESSION} smtp failed-command command="AUTH PLAIN" result="503 no"',
    )
    assert [(m.status, m.sender, [r.address for r in m.recipients]) for m in found] == [
        (S.REJECTED, None, ["x@c.example"]),
        (S.REJECTED, "", []),
    ]
    assert found[0].recipients[0].dsn == "5.1.1"
    assert found[0].client == Client("ws.example.org", "192.0.2.7")


def test_the_old_form() -> None:
    (found,) = track(
        f"smtp-in: New session {SESSION} from host ws [192.0.2.7]",
        f"smtp-in: Accepted message ecf91a0b on session {SESSION}: from=<>, to=<b@c.example>, size=9, ndest=1, proto=ESMTP",
        f"relay: Ok for {ENVELOPE}: session={OTHER}, from=<>, to=<b@c.example>, rcpt=<->, source=192.0.2.1,"
        " relay=192.0.2.9, delay=3s, stat=250 ok",
    )
    assert (found.sender, found.status, found.client) == ("", S.SENT, Client("ws", "192.0.2.7"))
    assert [(r.address, r.delay) for r in found.recipients] == [("b@c.example", 3.0)]


@pytest.mark.skipif(not SAMPLE.exists(), reason="the lab's samples are not here")
def test_what_the_lab_wrote() -> None:
    """The lab sent to domains whose hosts accept, refuse, put off and are down."""
    records = list(read_records([SAMPLE], FORMATS["opensmtpd"]))
    found = list(find(records, TrackCriteria(lines=True)))
    ends = Counter(
        (r.address.partition("@")[2], r.status) for m in found for r in m.recipients if m.queue_ids
    )
    assert ends == {
        ("sink.test", S.SENT): 46,
        ("reject.test", S.BOUNCED): 16,
        ("tempfail.test", S.DEFERRED): 16,
        ("down.test", S.QUEUED): 22,
    }
    said = Counter(line for m in found if m.queue_ids for line in m.lines)
    assert said == Counter(r.raw for r in records if r.queue_id)
