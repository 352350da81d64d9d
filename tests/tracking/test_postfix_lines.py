"""What a Postfix line is to the search: its ID, its place in a life, the IDs that it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.tracking.dialect import Kind, Link
from smtpadmin.tracking.postfix_lines import alone, child_fits, kind, links, local_birth, own

STAMP = b"Mar  1 00:00:02 mx1 "


@pytest.mark.parametrize(
    ("line", "queue_id"),
    [
        (STAMP + b"postfix/qmgr[9]: 3C2B1A: removed", b"3C2B1A"),
        (
            STAMP + b"postfix-out/submission/smtpd[9]: 1736261560: client=x[192.0.2.1]",
            b"1736261560",
        ),
        (
            STAMP + b"postfix-203.0.113.9/smtp[1]: 4Xs7HQ55N8zChRp: to=<a@b>, status=sent (x)",
            b"4Xs7HQ55N8zChRp",
        ),
        (b"2026-03-01T00:00:02.5+02:00 mx1 postfix/qmgr[9]: 3C2B1A: removed", b"3C2B1A"),
        (b"\0\0\0<22>Mar  1 00:00:02 mx1 postfix/qmgr[9]: 3C2B1A: removed", b"3C2B1A"),
        (STAMP + b"pmg-filter[9]: 4C0FFEE4C0FF: new mail message-id=<x>", None),
        (STAMP + b"postfix/smtpd[9]: NOQUEUE: reject: RCPT from x", None),
        (STAMP + b"postfix/qmgr[9]: warning: 3C2B1A: something", None),
        (STAMP + b"syslogd: message repeated 3 times: [ postfix/qmgr[9]: 3C2B1A: removed]", None),
        (STAMP + b"postfix/smtp[9]: to=<3C2B1A@x>: 3C2B1A: no", None),
    ],
)
def test_an_id_counts_only_after_the_tag_of_a_postfix_process(
    line: bytes, queue_id: bytes | None
) -> None:
    found = own(line)
    assert (found.queue_id if found else None) == queue_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"smtpd[1]: A1B2C3: client=x[192.0.2.1]", Kind.BIRTH),
        (b"pickup[1]: A1B2C3: uid=0 from=<root>", Kind.BIRTH),
        (b"cleanup[1]: A1B2C3: message-id=<x>", Kind.CREATED),
        (b"qmgr[1]: A1B2C3: from=<>, size=1, nrcpt=1 (queue active)", Kind.QUEUED),
        (b"qmgr[1]: A1B2C3: removed", Kind.END),
        (b"postsuper[1]: A1B2C3: requeued", Kind.END),
        (
            b"cleanup[1]: A1B2C3: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 no",
            Kind.ABORT,
        ),
        (b"smtp[1]: A1B2C3: to=<removed@x>, relay=none, status=deferred (removed)", Kind.OTHER),
    ],
)
def test_the_place_of_a_line_in_its_life(text: bytes, expected: Kind) -> None:
    found = own(STAMP + b"postfix/" + text)
    assert found is not None
    assert kind(found) is expected


DELIVERY = b"smtp[1]: A1B2C3: to=<a@b>, relay=%s, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as D4E5F6)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DELIVERY % b"127.0.0.1[127.0.0.1]:10024", Link(b"D4E5F6", "reinjected", up=False)),
        (DELIVERY % b"localhost[::1]:10024", Link(b"D4E5F6", "reinjected", up=False)),
        (DELIVERY % b"mx[private/amavis]", Link(b"D4E5F6", "reinjected", up=False)),
        (DELIVERY % b"mx.example.org[192.0.2.1]:25", None),
        (b"smtp[1]: A1B2C3: to=<a@b>, relay=127.0.0.1[127.0.0.1]:10024, status=sent (250 from MTA(smtp:[127.0.0.1]:10025): 250 Ok: queued as B1B1B1 queued as D4E5F6)", Link(b"D4E5F6", "reinjected", up=False)),
        (b"bounce[1]: A1B2C3: sender non-delivery notification: D4E5F6", Link(b"D4E5F6", "notification", up=False)),
        (b"bounce[1]: A1B2C3: postmaster delay notification: D4E5F6", Link(b"D4E5F6", "notification", up=False)),
        (b"local[1]: A1B2C3: to=<a@b>, relay=local, dsn=2.0.0, status=sent (forwarded as D4E5F6)", Link(b"D4E5F6", "forwarded", up=False)),
        (b"smtpd[1]: A1B2C3: client=localhost[127.0.0.1], orig_queue_id=D4E5F6, orig_client=x", Link(b"D4E5F6", "reinjected", up=True)),
        (b"pickup[1]: A1B2C3: uid=0 from=<x> orig_id=D4E5F6", Link(b"D4E5F6", "requeued", up=True)),
        (b"cleanup[1]: A1B2C3: message-id=<queued as D4E5F6>", None),
    ],
)  # fmt: skip
def test_the_other_ids_that_a_line_names(text: bytes, expected: Link | None) -> None:
    found = own(STAMP + b"postfix/" + text)
    assert found is not None
    assert list(links(found)) == ([expected] if expected else [])


def test_a_message_that_a_stranger_handed_in_is_no_notification() -> None:
    stranger = own(STAMP + b"postfix/smtpd[1]: A1B2C3: client=x[192.0.2.1]")
    made_here = own(STAMP + b"postfix/cleanup[1]: A1B2C3: message-id=<x>")
    filtered = own(STAMP + b"postfix/smtpd[1]: A1B2C3: client=localhost[127.0.0.1]")
    assert stranger
    assert made_here
    assert filtered
    assert not any(
        child_fits(link, stranger) for link in ("notification", "forwarded", "reinjected")
    )
    assert child_fits("notification", made_here)
    assert child_fits("reinjected", filtered)
    assert [local_birth(line) for line in (stranger, made_here, filtered)] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 no; from=<> to=<a@b>", True),
        (b"postscreen[1]: NOQUEUE: reject: RCPT from [192.0.2.1]:5: 550 no", True),
        (b"smtpd[1]: NOQUEUE: milter-reject: MAIL from x[192.0.2.1]: 451 later", True),
        (b"smtpd[1]: NOQUEUE: hold: RCPT from x[192.0.2.1]: <a@b>: held", False),
        (b"smtpd[1]: A1B2C3: reject: RCPT from x[192.0.2.1]: 550 no", False),
    ],
)
def test_a_refusal_before_an_id_is_a_message_by_itself(text: bytes, expected: bool) -> None:
    assert alone(STAMP + b"postfix/" + text) is expected


@given(st.binary(max_size=300))
def test_no_line_is_too_odd(line: bytes) -> None:
    for text in (line, STAMP + b"postfix/smtp[1]: A1B2C3: " + line):
        if found := own(text):
            kind(found)
            links(found)
        alone(text)
