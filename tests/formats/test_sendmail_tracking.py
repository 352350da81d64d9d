"""sendmail's messages: notifications, submissions, refusals, and the states of ``stat=``."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.formats.sendmail_tracking import find
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import Client, TrackCriteria, TrackedMessage
from tests.support.log_writers import parsed

DATA = Path(__file__).parents[1] / "data/sendmail/8.17"
ENDS = {
    "sink.test": S.SENT,
    "reject.test": S.BOUNCED,
    "tempfail.test": S.DEFERRED,
    "down.test": S.DEFERRED,
    "elsewhere.test": S.DEFERRED,
}
ID, CHILD = "x0A1B2C3004711", "x0A1B2C4004711"


def track(*texts: str, program: str = "sm-mta", **wanted: Any) -> list[TrackedMessage]:
    lines = [
        text if text.startswith("Mar") else f"Mar  1 12:00:{n:02} mx1 {program}[7]: {text}"
        for n, text in enumerate(texts)
    ]
    return list(find(parsed("sendmail", lines), TrackCriteria(**({"lines": True} | wanted))))


def arrival(sender: str = "<a@example.org>", count: int = 1, queue_id: str = ID) -> str:
    return (
        f"{queue_id}: from={sender}, size=469, class=0, nrcpts={count}, msgid=<x@y>, proto=ESMTP,"
        " daemon=MTA, relay=x.example.org [198.51.100.7]"
    )


def attempt(to: str, stat: str, queue_id: str = ID, more: str = "mailer=esmtp") -> str:
    return f"{queue_id}: to={to}, delay=00:01:02, xdelay=00:00:01, {more}, pri=1, dsn=2.0.0, stat={stat}"


def test_a_message_with_two_recipients_on_one_line() -> None:
    (found,) = track(arrival(count=2), attempt("<b@c.example>,<d@c.example>", "Sent (ok)"))
    assert (found.sender, found.size, found.message_id) == ("a@example.org", 469, "<x@y>")
    assert found.client == Client("x.example.org", "198.51.100.7")
    assert [(r.address, r.status, r.delay) for r in found.recipients] == [
        ("b@c.example", S.SENT, 62.0),
        ("d@c.example", S.SENT, 62.0),
    ]
    assert found.legs[0].completed == datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stat", "more", "status"),
    [
        ("Sent (ok)", "mailer=esmtp", S.SENT),
        ("Sent", "mailer=local", S.DELIVERED),
        ("Sent", "mailer=discard", S.DISCARDED),
        ("queued", "mailer=esmtp", S.QUEUED),
        ("Deferred: Connection refused, see x", "mailer=esmtp", S.DEFERRED),
        ("User unknown", "mailer=local", S.BOUNCED),
        ("Cannot send message for 5 days", "mailer=esmtp", S.EXPIRED),
    ],
)
def test_the_states_of_a_delivery(stat: str, more: str, status: S) -> None:
    (found,) = track(arrival(), attempt("<b@c.example>", stat, more=more))
    assert found.recipients[0].status is status
    assert found.status is status


def test_a_recipient_that_no_line_told_of_is_still_open() -> None:
    (found,) = track(arrival(count=2), attempt("<b@c.example>", "Sent (ok)"))
    assert found.status is S.QUEUED
    (nobody,) = track(arrival(count=1))
    assert (nobody.status, nobody.recipients) == (S.QUEUED, ())


def test_a_notification_is_a_leg_and_no_end_of_the_message() -> None:
    (found,) = track(
        arrival(),
        attempt("<b@c.example>", "User unknown"),
        f"{ID}: {CHILD}: DSN: User unknown",
        attempt("<a@example.org>", "Sent (ok)", CHILD),
    )
    assert found.queue_ids == (ID, CHILD)
    assert [(leg.kind, leg.parent) for leg in found.legs] == [
        ("accepted", None),
        ("notification", ID),
    ]
    assert [(r.address, r.status) for r in found.recipients] == [("b@c.example", S.BOUNCED)]
    assert len(found.lines) == 4
    assert found.legs[1].completed is not None


def test_an_expiry_is_told_by_the_notification() -> None:
    (found,) = track(
        arrival(),
        attempt("<b@c.example>", "Deferred: Connection refused"),
        f"{ID}: {CHILD}: return to sender: Cannot send message for 5 days",
    )
    assert [(r.status, r.attempts) for r in found.recipients] == [(S.EXPIRED, 1)]


@pytest.mark.parametrize("submission_last", [True, False])
def test_a_submission_and_what_the_daemon_made_of_it(submission_last: bool) -> None:
    handed = attempt(
        "b@c.example", f"Sent ({CHILD} Message accepted for delivery)",
        more="ctladdr=a (1000/1000), mailer=relay, relay=[127.0.0.1] [127.0.0.1]",
    )  # fmt: skip
    daemon = [arrival(queue_id=CHILD), attempt("<b@c.example>", "Deferred: later", CHILD)]
    texts = [arrival("a"), *daemon, handed] if submission_last else [arrival("a"), handed, *daemon]
    (found,) = track(*texts)
    assert found.queue_ids == (ID, CHILD)
    assert (found.legs[1].kind, found.legs[1].parent) == ("reinjected", ID)
    assert found.sender == "a"
    assert [(r.address, r.status, r.queue_id) for r in found.recipients] == [
        ("b@c.example", S.DEFERRED, CHILD)
    ]
    assert len(found.lines) == 4


def test_accepted_by_another_host_with_such_an_id_is_no_leg() -> None:
    far = attempt("<b@c.example>", f"Sent ({CHILD} Message accepted for delivery)",
                  more="mailer=esmtp, relay=mx.c.example. [192.0.2.9]")  # fmt: skip
    first, second = track(arrival(), far, arrival(queue_id=CHILD))
    assert (first.status, first.queue_ids, second.queue_ids) == (S.SENT, (ID,), (CHILD,))


def test_the_alias_that_led_here_but_not_the_submitter() -> None:
    aliased = "ctladdr=<team@example.org> (1/0), mailer=local"
    (found,) = track(arrival(), attempt("<b@c.example>", "Sent", more=aliased))
    assert found.recipients[0].original == "team@example.org"
    assert track(
        arrival(), attempt("<b@c.example>", "Sent", more=aliased), recipient="team@example.org"
    )
    (own,) = track(arrival("anna"), attempt("b@c.example", "Sent", more="ctladdr=anna (1000/1000)"))
    assert own.recipients[0].original is None


def test_refusals_with_and_without_an_id() -> None:
    rcpt = "ruleset=check_rcpt, arg1=<b@c.example>, relay=x [198.51.100.7], reject=550 5.7.1 no relaying"
    with_id, without = track(f"{ID}: {rcpt}", f"NOQUEUE: {rcpt}")
    assert (with_id.queue_ids, without.queue_ids) == ((ID,), ())
    for found in (with_id, without):
        assert (found.status, found.client) == (S.REJECTED, Client("x", "198.51.100.7"))
        assert [(r.address, r.dsn) for r in found.recipients] == [("b@c.example", "5.7.1")]
    (mail,) = track("NOQUEUE: ruleset=check_mail, arg1=<>, relay=[192.0.2.7], reject=553 5.5.4 no")
    assert (mail.sender, mail.recipients, mail.status) == ("", (), S.REJECTED)


@pytest.mark.parametrize(
    "line",
    [
        f"{ID}: {CHILD}: clone: owner=list-owner",
        f"{CHILD}: clone {ID}, owner=list-owner",
    ],
)
def test_a_clone_for_another_owner_is_a_leg(line: str) -> None:
    (found,) = track(
        arrival(),
        line,
        attempt("<b@c.example>", "Sent (ok)"),
        attempt("<d@c.example>", "Sent (ok)", CHILD),
    )
    assert [(leg.queue_id, leg.kind, leg.parent) for leg in found.legs] == [
        (ID, "accepted", None),
        (CHILD, "reinjected", ID),
    ]
    assert {r.address for r in found.recipients} == {"b@c.example", "d@c.example"}
    assert len(found.lines) == 4


def test_the_same_id_on_two_hosts_is_two_messages() -> None:
    other = f"Mar  1 12:00:09 mx2 sm-mta[7]: {arrival()}"
    assert len(track(arrival(), other)) == 2


def test_what_sendmail_itself_wrote_of_24_messages() -> None:
    lines = (DATA / "maillog").read_text("utf-8").splitlines()
    found = {m.message_id: m for m in find(parsed("sendmail", lines), TrackCriteria(lines=True))}
    sent = json.loads((DATA / "sent.json").read_text("utf-8"))
    assert len(found) == len(sent) == 24
    for mail in sent:
        message = found[f"<t{mail['n']}@lab.test>"]
        assert message.sender == mail["sender"]
        assert message.queue_ids[0] == mail["reply"].split()[1]
        assert {r.address: r.status for r in message.recipients} == {
            address: ENDS[address.partition("@")[2]] for address in mail["ok"]
        }
        bounced = any(r.status is S.BOUNCED for r in message.recipients)
        assert [leg.kind for leg in message.legs] == ["accepted", *["notification"] * bounced]
        assert message.lines == tuple(
            line for line in lines if any(f"]: {name}: " in line for name in message.queue_ids)
        )
    of_messages = Counter(r.raw for r in parsed("sendmail", lines) if r.queue_id)
    assert Counter(line for m in found.values() for line in m.lines) == of_messages


def test_the_reply_of_the_other_side_and_the_attempts() -> None:
    lines = (DATA / "maillog").read_text("utf-8").splitlines()
    (found,) = find(parsed("sendmail", lines), TrackCriteria(recipient="u2@tempfail.test"))
    (recipient,) = found.recipients
    assert (recipient.reply, recipient.dsn) == ("450 4.2.0 later", "4.2.0")
    assert recipient.attempts == sum("to=<u2@tempfail.test>" in line for line in lines) == 3
