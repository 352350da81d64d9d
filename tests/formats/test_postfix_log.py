"""Whole lines of Postfix's log: which process, which queue ID, which event."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.postfix_log import parse_line
from smtpadmin.formats.postfix_programs import looks_like
from smtpadmin.model.log import LogRecord

HEAD = "Jun  6 23:34:18 mx1 "


def record(text: str, tag: str = "postfix/smtpd[7]") -> LogRecord:
    return parse_line(f"{HEAD}{tag}: {text}".encode(), clock=LogClock(year=2026))


def test_a_record_has_every_part_of_its_line() -> None:
    found = parse_line(
        b"Jun  6 23:34:18 mx1 postfix/qmgr[9]: A1B2C3: from=<a@example.org>, size=1234, nrcpt=2 (queue active)",
        file="mail.log",
        number=7,
        clock=LogClock(year=2026),
    )
    assert found.time == datetime(2026, 6, 6, 23, 34, 18, tzinfo=UTC)
    assert (found.host, found.program, found.pid, found.level) == ("mx1", "postfix/qmgr", 9, None)
    assert (found.queue_id, found.event) == ("A1B2C3", "queued")
    assert found.fields == {"from": "a@example.org", "size": 1234, "nrcpt": 2}
    assert found.message.startswith("A1B2C3: from=<a@example.org>")
    assert (found.file, found.line) == ("mail.log", 7)


@pytest.mark.parametrize(
    "program",
    [
        *(
            "postfix-203.0.113.9/smtp",
            "postfix-out/submission/smtpd",
            "postfix/sender-cleanup/cleanup",
        ),
        *("/postfix-script", "mailout/qmgr", "postfix/unheard-of", "postfix"),
    ],
)
def test_names_of_services(program: str) -> None:
    assert looks_like(f"{HEAD}{program}[1]: x".encode())
    assert record("A1B2C3: removed", f"{program}[1]").queue_id == "A1B2C3"


@pytest.mark.parametrize(
    "program", ["sshd", "CRON", "pmg-filter", "smtpd", "sendmail", "a/b", "dovecot"]
)
def test_other_programs_have_no_queue_id_whatever_they_say(program: str) -> None:
    found = record("4C0FFEE4C0FF: new mail message-id=<x>", f"{program}[9]")
    assert (found.queue_id, found.event, found.program) == (None, "other", program)
    assert not looks_like(f"{HEAD}{program}[9]: x".encode())


@pytest.mark.parametrize("queue_id", ["A1B2C3", "1736261560", "4Xs7HQ55N8zChRp"])
def test_queue_ids(queue_id: str) -> None:
    found = record(f"{queue_id}: removed", "postfix/qmgr[3]")
    assert (found.queue_id, found.event) == (queue_id, "removed")


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("NOQUEUE: reject: RCPT from x[1.2.3.4]: 550 no", "reject"),
        ("NOQUEUE: client=x[1.2.3.4]", "client"),
        ("warning: A1B2C3: queue file", "warning"),
        ("statistics: max cache size 1 at Oct 26", "statistics"),
        ("fatal: A1B2C3: no", "fatal"),
    ],
)
def test_words_in_the_place_of_a_queue_id(text: str, event: str) -> None:
    assert (record(text).queue_id, record(text).event) == (None, event)


@pytest.mark.parametrize(
    ("text", "event", "fields"),
    [
        ("A1B2C3: client=x[1.2.3.4]:5, sasl_method=PLAIN, sasl_username=bob", "client", {"client_port": 5, "sasl_username": "bob"}),
        ("A1B2C3: client=localhost[127.0.0.1], orig_queue_id=B1B2C3, orig_client=unknown[198.51.100.7]", "client", {"orig_queue_id": "B1B2C3", "orig_client": "unknown[198.51.100.7]"}),
        ("A1B2C3: uid=33 from=<www-data>", "pickup", {"uid": 33, "from": "www-data"}),
        ("A1B2C3: uid=33 from=<a> orig_id=B1B2C3", "pickup", {"orig_id": "B1B2C3"}),
        ("A1B2C3: from=<a@example.org>, status=expired, returned to sender", "expired", {"from": "a@example.org", "status": "expired"}),
        ("A1B2C3: from=<>, status=force-expired, returned to sender", "expired", {"from": ""}),
        ("A1B2C3: sender non-delivery notification: B1B2C3", "notification", {"notification": "non-delivery", "notification_id": "B1B2C3", "notified": "sender"}),
        ("A1B2C3: sender delivery status notification: B1B2C3", "notification", {"notification": "delivery status"}),
        ("A1B2C3: sender delay notification: B1B2C3", "notification", {"notification": "delay"}),
        ("A1B2C3: postmaster non-delivery notification: B1B2C3", "notification", {"notified": "postmaster"}),
        ("A1B2C3: sender notification failed to <a@b>: x", "notification", {"to": "a@b", "reply": "x"}),
        ("A1B2C3: removed", "removed", {}),
        ("A1B2C3: removed (discarded)", "removed", {"reason": "discarded"}),
        ("A1B2C3: canceled", "removed", {"reason": "canceled"}),
        ("A1B2C3: requeued", "requeue", {}),
        ("A1B2C3: placed on hold", "hold", {}),
        ("A1B2C3: released from hold", "release", {}),
        ("A1B2C3: skipped, still being delivered", "skipped", {}),
        ("A1B2C3: host mx[1.2.3.4] said: 450 later", "remote-reply", {"relay": "mx[1.2.3.4]", "reply": "450 later"}),
        ("A1B2C3: lost connection with mx[1.2.3.4] while sending RCPT TO", "lost-connection", {}),
        ("A1B2C3: lost connection after DATA (5 bytes) from x[1.2.3.4]", "lost-connection", {"bytes": 5, "stage": "DATA"}),
        ("A1B2C3: milter-reject: END-OF-MESSAGE from x[1.2.3.4]: 5.7.1 no; from=<a> to=<b>", "reject", {"action": "milter-reject", "to": "b"}),
        ("A1B2C3: to=<a@b>, relay=none, delay=1, dsn=4.4.1, status=deferred (x)", "delivery", {"status": "deferred"}),
        ("A1B2C3: Cannot start TLS: handshake failure", "tls", {}),
        ("milter-reject: CONNECT from x[1.2.3.4]: 4.7.1 later; proto=SMTP", "reject", {"stage": "CONNECT"}),
        ("A1B2C3: something new", "other", {}),
        ("warning: x[1.2.3.4]: SASL LOGIN authentication failed: no", "auth", {"sasl_method": "LOGIN"}),
        ("daemon started -- version 3.7.11, configuration /etc/postfix", "start", {"version": "3.7.11"}),
        ("the Postfix mail system is running: PID: 5", "other", {}),
    ],
)  # fmt: skip
def test_events(text: str, event: str, fields: dict[str, object]) -> None:
    found = record(text)
    assert found.event == event
    assert found.fields.items() >= fields.items()
    assert found.queue_id == ("A1B2C3" if text.startswith("A1B2C3") else None)


@pytest.mark.parametrize(
    ("logged", "value"),
    [
        ("<a@example.org>", "a@example.org"),
        ("<>", ""),
        ("", ""),
        ("2026-01-25 10:00:05.006", "2026-01-25 10:00:05.006"),
        ("<a@example.org>#012", "a@example.org"),
        ("<a@example.org> (added)", "<a@example.org> (added)"),
        ("<a@example.org", "<a@example.org"),
    ],
)
def test_message_ids(logged: str, value: str) -> None:
    found = record(f"A1B2C3: message-id={logged}", "postfix/cleanup[6]")
    assert (found.event, found.fields) == ("message-id", {"message-id": value})
    resent = record(f"A1B2C3: resent-message-id={logged}", "postfix/cleanup[6]")
    assert resent.fields == {"resent-message-id": value}


@pytest.mark.parametrize("level", ["warning", "error", "fatal", "panic"])
def test_a_level_word(level: str) -> None:
    assert record(f"{level}: x").level == level
    assert record(f"{level}: x").event == level
    assert record("removed").level is None


def test_a_wrapper_around_repeated_lines_is_no_line_of_its_queue_id() -> None:
    bare = parse_line(
        f"{HEAD}message repeated 3 times: [ postfix/smtpd[7]: A1B2C3: removed]".encode()
    )
    assert (bare.event, bare.queue_id, bare.program) == ("repeated", None, None)
    assert bare.fields == {"times": 3, "text": "postfix/smtpd[7]: A1B2C3: removed"}
    tagged = record("message repeated 2 times: [ A1B2C3: removed]")
    assert (tagged.event, tagged.queue_id, tagged.fields["times"]) == ("repeated", None, 2)


@pytest.mark.parametrize(
    "line", [b"", b"----- rotated -----", b" <b@example.org>,", b"\0\0", b"{}"]
)
def test_lines_without_a_header_are_kept(line: bytes) -> None:
    found = parse_line(line)
    assert (found.event, found.raw, found.fields) == ("other", line.decode(), {})


def test_octets_that_are_no_utf_8_are_kept() -> None:
    found = parse_line(
        b"Jun  6 23:34:18 mx1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from x[1.2.3.4]: 550 no;"
        b" from=<> to=<b> proto=ESMTP helo=<caf\xe9.example.org>"
    )
    assert found.fields["helo"] == r"caf\xe9.example.org"
    assert found.raw.endswith(r"helo=<caf\xe9.example.org>")


@given(
    st.binary(max_size=200),
    st.sampled_from(["", HEAD, HEAD + "postfix/smtpd[7]: ", HEAD + "postfix/qmgr[7]: A1B2C3: "]),
)
def test_any_octets_give_a_record_with_the_whole_line(tail: bytes, head: str) -> None:
    line = head.encode() + tail
    found = parse_line(line, clock=LogClock(year=2026))
    assert found.raw == line.decode("utf-8", "backslashreplace")
    if head.endswith("A1B2C3: "):
        assert found.queue_id == "A1B2C3"
    looks_like(line)
