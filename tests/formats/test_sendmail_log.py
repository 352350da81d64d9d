"""Lines of sendmail's log: one for the arrival, one for each attempt, refusals by rule set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.sendmail_log import addresses, looks_like, parse_line
from smtpadmin.model.log import LogRecord

ID = "x0A1B2C3004711"
HEAD = "Jan 11 12:01:03 mx1 sm-mta[4711]: "


def record(text: str, head: str = HEAD) -> LogRecord:
    return parse_line((head + text).encode())


def test_an_arrival() -> None:
    found = record(
        f"{ID}: from=<a@example.org>, size=469, class=0, nrcpts=2, msgid=<x@y>, proto=ESMTP,"
        " daemon=MTA, relay=x.example.org [198.51.100.7] (may be forged)"
    )
    assert (found.event, found.queue_id, found.pid) == ("queued", ID, 4711)
    assert (
        found.fields.items()
        >= {
            "from": "a@example.org",
            "size": 469,
            "nrcpts": 2,
            "msgid": "<x@y>",
            "message-id": "x@y",
            "relay": "x.example.org [198.51.100.7] (may be forged)",
            "relay_name": "x.example.org",
            "relay_address": "198.51.100.7",
        }.items()
    )
    assert record(f"{ID}: from=<>, size=1").fields["from"] == ""


@pytest.mark.parametrize(
    ("stat", "status"),
    [
        ("Sent (ok: queued as 1, a=b)", "sent"),
        ("Deferred: Connection refused by mx.example.org., see", "deferred"),
        ("User unknown", "bounced"),
        ("Service unavailable", "bounced"),
    ],
)
def test_a_delivery_to_several(stat: str, status: str) -> None:
    found = record(
        f"{ID}: to=<a@example.org>,<b@example.org>, ctladdr=<c@example.org> (1000/1000), delay=00:00:01,"
        f" xdelay=00:00:00, mailer=esmtp, pri=120469, relay=mx.example.org. [192.0.2.9], dsn=2.0.0, stat={stat}"
    )
    assert found.event == "delivery"
    assert found.fields["to"] == ["a@example.org", "b@example.org"]
    assert (found.fields["status"], found.fields["reply"], found.fields["dsn"]) == (
        status,
        stat,
        "2.0.0",
    )
    assert (found.fields["relay_name"], found.fields["pri"]) == ("mx.example.org", 120469)


def test_a_refusal_by_a_rule_set() -> None:
    found = record(
        f"{ID}: ruleset=check_rcpt, arg1=<b@example.org>, relay=x [198.51.100.7] (may be forged),"
        " reject=550 5.7.1 <b@example.org>... Relaying denied, a=b"
    )
    assert (found.event, found.fields["ruleset"], found.fields["arg1"]) == (
        "reject",
        "check_rcpt",
        "b@example.org",
    )
    assert found.fields["reply"] == "550 5.7.1 <b@example.org>... Relaying denied, a=b"
    assert (found.fields["code"], found.fields["relay_address"]) == (550, "198.51.100.7")
    unknown = record(f"{ID}: <b@example.org>... User unknown")
    assert (unknown.event, unknown.fields["to"]) == ("reject", ["b@example.org"])


def test_other_events() -> None:
    bounce = record(f"{ID}: x0A1B2C3004712: DSN: User unknown")
    assert (bounce.event, bounce.fields["notification_id"]) == ("notification", "x0A1B2C3004712")
    assert (
        record(
            "STARTTLS=client, relay=mx., version=TLSv1.3, verify=OK, cipher=X, bits=256/256"
        ).event
        == "tls"
    )
    assert record("AUTH=server, relay=x [1.2.3.4], authid=bob, mech=PLAIN, bits=0").event == "auth"
    assert record("starting daemon (8.17.1): SMTP+queueing@00:10:00").event == "start"
    assert record(f"{ID}: Milter: data, reject=554 5.7.1 no").event == "reject"
    milter = record(f"{ID}: Milter: from=<a@b>, reject=451 4.7.1 later")
    assert (milter.event, milter.fields["code"], milter.fields["from"]) == ("reject", 451, "a@b")
    failed = record("AUTH failure (LOGIN): user not found (-20), user=bob, relay=x [1.2.3.4]")
    assert (failed.event, failed.fields["user"]) == ("auth", "bob")
    assert failed.fields["relay_address"] == "1.2.3.4"
    assert record("NOQUEUE: connect from x [1.2.3.4]").queue_id is None
    older = record(f"{ID}: clone x0A1B2C3004713, owner=a")
    assert (older.event, older.fields) == ("clone", {"clone_of": "x0A1B2C3004713", "owner": "a"})
    clone = record(f"{ID}: x0A1B2C3004713: clone: owner=a")
    assert (clone.event, clone.fields) == ("clone", {"clone_id": "x0A1B2C3004713", "owner": "a"})


def test_foreign_lines() -> None:
    found = record(f"{ID}: from=<a>", "Jan 11 12:01:03 mx1 sshd[1]: ")
    assert (found.event, found.queue_id) == ("other", None)
    assert looks_like(f"{HEAD}x".encode())
    assert not looks_like(b"Jan 11 12:01:03 mx1 postfix/sendmail[1]: x")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<"b,c=d"@example.org>,<e@f>', ['"b,c=d"@example.org', "e@f"]),
        ("root", ["root"]),
        ('"|/usr/bin/x, a"', ["|/usr/bin/x, a"]),
        ("<unfinished", ["<unfinished"]),
        ("", []),
    ],
)
def test_addresses(text: str, found: list[str]) -> None:
    assert addresses(text) == found


@given(st.binary(max_size=160), st.sampled_from(["", HEAD, f"{HEAD}{ID}: ", f"{HEAD}{ID}: to="]))
def test_any_octets_give_a_record_with_the_whole_line(tail: bytes, head: str) -> None:
    line = head.encode() + tail
    assert parse_line(line).raw == line.decode("utf-8", "backslashreplace")
    looks_like(line)


def test_what_the_other_side_said() -> None:
    found = record(
        f"{ID}: to=<b@c.example>, dsn=5.1.1, reply=550 5.1.1 no, to=<x> a=b, stat=User unknown"
    )
    assert (found.event, found.fields["to"]) == ("delivery", ["b@c.example"])
    assert found.fields["reply"] == "550 5.1.1 no, to=<x> a=b"
    assert (found.fields["stat"], found.fields["status"]) == ("User unknown", "bounced")
