"""Exchange's messages: rows of several servers, lists in parallel, notifications, older generations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from smtpadmin.formats.exchange_tracking import find
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import Client, TrackCriteria, TrackedMessage
from tests.support.log_writers import START, exchange_row, parsed

MAIL = {
    "internal_message_id": "7",
    "message_id": "<a@example.org>",
    "network_message_id": "f1f2",
    "sender_address": "s@example.org",
    "server_hostname": "EX1",
    "source": "SMTP",
}


def row(second: int, event: str, to: str = "b@c.example", columns: int = 30, **more: str) -> str:
    values = MAIL | {"event_id": event, "recipient_address": to} | more
    return exchange_row(START + timedelta(seconds=second), columns, **values)


def track(*lines: str, **wanted: Any) -> list[TrackedMessage]:
    return list(find(parsed("exchange", list(lines)), TrackCriteria(**({"lines": True} | wanted))))


def test_recipients_and_their_statuses_are_in_parallel() -> None:
    (found,) = track(
        row(0, "RECEIVE", "b@c.example;d@c.example", client_ip="192.0.2.7", client_hostname="ws",
            message_subject="a, b", total_bytes="12"),
        row(4, "FAIL", "b@c.example;d@c.example", recipient_status="550 5.1.1 no;550 5.7.1 never"),
    )  # fmt: skip
    assert (found.subject, found.size, found.client) == ("a, b", 12, Client("ws", "192.0.2.7"))
    assert [(r.address, r.dsn, r.reply, r.delay) for r in found.recipients] == [
        ("b@c.example", "5.1.1", "550 5.1.1 no", 4.0),
        ("d@c.example", "5.7.1", "550 5.7.1 never", 4.0),
    ]
    assert (found.status, found.message_id) == (S.BOUNCED, "<a@example.org>")


def test_a_status_with_semicolons_of_its_own_is_one_for_all() -> None:
    said = "[{LED=450 4.4.1 timed out};{IP=192.0.2.9}]"
    (found,) = track(row(0, "RECEIVE"), row(1, "DEFER", recipient_status=said))
    assert [(r.reply, r.dsn) for r in found.recipients] == [(said, "4.4.1")]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 3, 0, 1)])
def test_two_servers_are_two_legs_in_whatever_order_their_files_are_read(
    order: tuple[int, ...],
) -> None:
    rows = [
        row(0, "RECEIVE", client_hostname="ws"),
        row(1, "SEND", client_hostname="EX1", server_hostname="EX2.corp.example", source_context="1;250 2.6.0 ok"),
        row(2, "RECEIVE", server_hostname="EX2", internal_message_id="9", client_hostname="EX1"),
        row(3, "DELIVER", server_hostname="EX2", internal_message_id="9", source="STOREDRIVER"),
    ]  # fmt: skip
    (found,) = track(*(rows[place] for place in order))
    assert {(leg.host, leg.queue_id) for leg in found.legs} == {("EX1", "7"), ("EX2", "9")}
    assert [r.status for r in found.recipients] == [S.DELIVERED]
    assert (found.arrived, found.client) == (START, Client("ws", None))
    assert len(found.lines) == 4


def test_a_list_is_replaced_by_its_members_and_a_redirect_by_its_target() -> None:
    (found,) = track(
        row(0, "RECEIVE", "list@c.example"),
        row(1, "EXPAND", "b@c.example;d@c.example", related_recipient_address="list@c.example"),
        row(2, "DELIVER", "b@c.example"),
        row(3, "REDIRECT", "e@c.example", related_recipient_address="d@c.example"),
        row(4, "DELIVER", "e@c.example"),
    )
    assert [(r.address, r.original, r.status) for r in found.recipients] == [
        ("b@c.example", "list@c.example", S.DELIVERED),
        ("e@c.example", "d@c.example", S.DELIVERED),
    ]


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("SEND", S.SENT),
        ("SENDEXTERNAL", S.SENT),
        ("DELIVER", S.DELIVERED),
        ("DUPLICATEDELIVER", S.DELIVERED),
        ("DEFER", S.DEFERRED),
        ("FAIL", S.BOUNCED),
        ("BADMAIL", S.DISCARDED),
        ("DROP", S.DISCARDED),
        ("POISONMESSAGE", S.QUARANTINED),
        ("MODERATORREJECT", S.REJECTED),
        ("MODERATIONEXPIRE", S.EXPIRED),
        ("HAREDIRECT", S.QUEUED),
        ("HAREDIRECTFAIL", S.QUEUED),
        ("HADISCARD", S.QUEUED),
        ("TRANSFER", S.QUEUED),
        ("AGENTINFO", S.QUEUED),
        ("NOTIFYMAPI", S.QUEUED),
        ("SUBMIT", S.QUEUED),
    ],
)
def test_events(event: str, status: S) -> None:
    (found,) = track(row(0, "RECEIVE"), row(1, event))
    assert found.status is status
    assert len(found.lines) == 2


def test_a_transfer_is_a_leg_of_the_message_that_it_copies() -> None:
    (found,) = track(row(0, "RECEIVE"), row(1, "TRANSFER", internal_message_id="8", reference="7"))
    assert [(leg.queue_id, leg.kind, leg.parent) for leg in found.legs] == [
        ("7", "accepted", None),
        ("8", "reinjected", "7"),
    ]


def notification(reference: str) -> str:
    return row(3, "DSN", "s@example.org", internal_message_id="8", message_id="<dsn@example.org>",
               network_message_id="e9", sender_address="<>", source="DSN", reference=reference)  # fmt: skip


def test_a_notification_names_the_message_that_it_is_about() -> None:
    (found,) = track(row(0, "RECEIVE"), row(1, "FAIL"), notification("<a@example.org>"))
    assert (found.sender, found.queue_ids) == ("s@example.org", ("7", "8"))
    assert (found.legs[1].kind, found.legs[1].parent) == ("notification", "7")
    assert [(r.address, r.status) for r in found.recipients] == [("b@c.example", S.BOUNCED)]


def test_a_message_id_that_several_messages_have_links_nothing() -> None:
    again = row(0, "RECEIVE", internal_message_id="6", network_message_id="other")
    found = track(row(0, "RECEIVE"), again, notification("<a@example.org>"))
    assert len(found) == 3
    assert found[-1].sender == ""


@pytest.mark.parametrize("columns", [21, 26])
def test_before_2013_a_message_is_what_one_server_says(columns: int) -> None:
    found = track(
        row(0, "RECEIVE", columns=columns), row(1, "DELIVER", columns=columns),
        row(2, "RECEIVE", columns=columns, server_hostname="EX2"),
        row(3, "SUBMIT", columns=columns, internal_message_id="0"),
        row(3, "SUBMIT", columns=columns, internal_message_id="0", message_id="<z@example.org>"),
    )  # fmt: skip
    assert [len(message.lines) for message in found] == [2, 1, 1, 1]


def test_rows_of_the_protocol_log_are_no_messages() -> None:
    line = r"2026-03-01T12:00:00.000Z,EX1\Default,08DA,9,192.0.2.9:25,192.0.2.7:5,>,535 5.7.3 no,"
    assert track(line, "#Fields: date-time,event-id", "") == []


def test_a_hub_that_delivers_to_a_mailbox_server_names_itself_as_the_client() -> None:
    (found,) = track(
        row(0, "RECEIVE", columns=21, server_hostname="HUB1"),
        row(1, "DELIVER", columns=21, client_hostname="hub1", server_hostname="MBX1", source="STOREDRIVER"),
    )  # fmt: skip
    assert (found.status, found.queue_ids, len(found.legs)) == (S.DELIVERED, ("7",), 1)
