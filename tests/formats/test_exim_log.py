"""Lines of Exim's logs: every flag, both lengths of ID, every stamp, refusals and faults."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.exim_log import looks_like, parse_line
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.model.log import LogRecord

SHORT, LONG = "1rABcd-000DEF-99", "1rABcd-00000001abC-2dEf"
STAMP = "2026-03-02 09:44:33 "


def record(text: str, stamp: str = STAMP) -> LogRecord:
    return parse_line((stamp + text).encode(), clock=LogClock())


@pytest.mark.parametrize("queue_id", [SHORT, LONG])
def test_an_arrival(queue_id: str) -> None:
    found = record(
        f"{queue_id} <= a@example.org H=rdns.example.org (helo) [198.51.100.7]:5912 I=[192.0.2.1]:25"
        ' P=esmtpsa X=TLS1.3:X:256 CV=yes A=plain:bob K S=1234 RT=0.5s T="a \\"b\\" => c" id=x@y'
        " from <a@example.org> for b@example.org c@example.org"
    )
    assert (found.event, found.queue_id, found.program) == ("queued", queue_id, "exim")
    fields = dict(found.fields)
    assert fields["from"] == "a@example.org"
    assert fields["to"] == ["b@example.org", "c@example.org"]
    assert (fields["client_name"], fields["helo"]) == ("rdns.example.org", "helo")
    assert (fields["client_address"], fields["client_port"]) == ("198.51.100.7", 5912)
    assert (fields["protocol"], fields["size"], fields["message-id"]) == ("esmtpsa", 1234, "x@y")
    assert (fields["subject"], fields["authenticator"]) == ('a "b" => c', "plain:bob")
    assert fields["letters"]["T"] == 'a \\"b\\" => c'
    assert fields["interface"] == "[192.0.2.1]:25"


def test_a_bounce_names_its_parent() -> None:
    found = record(f"{SHORT} <= <> R={LONG} U=exim P=local S=11 for a@example.org")
    assert (found.fields["from"], found.fields["reference"]) == ("", LONG)
    assert found.fields["user"] == "exim"


@pytest.mark.parametrize(
    ("flag", "status"),
    [
        ("=>", "sent"),
        ("->", "sent"),
        (">>", "sent"),
        ("*>", "suppressed"),
        ("**", "bounced"),
        ("==", "deferred"),
    ],
)
def test_flags(flag: str, status: str) -> None:
    found = record(
        f'{SHORT} {flag} c@example.org R=dns T=smtp H=mx.example.org [192.0.2.9]* C="250 OK id={LONG}"'
    )
    assert (found.event, found.queue_id) == ("delivery", SHORT)
    fields = found.fields
    assert (fields["flag"], fields["status"], fields["to"]) == (flag, status, "c@example.org")
    assert (fields["router"], fields["transport"]) == ("dns", "smtp")
    assert (fields["relay_name"], fields["relay_address"]) == ("mx.example.org", "192.0.2.9")
    assert fields["reply"] == f"250 OK id={LONG}"


def test_fake_rejection_is_an_arrival() -> None:
    assert record(f"{SHORT} (= a@example.org H=x [1.2.3.4] P=smtp S=1").event == "queued"


@pytest.mark.parametrize(
    ("text", "to", "parent", "original", "status"),
    [
        ("=> user <info@example.org> R=r T=t", "user", None, "info@example.org", "delivered"),
        ("=> /var/mail/u (u@example.org) <v@example.org> R=r T=t", "/var/mail/u", "u@example.org", "v@example.org", "delivered"),
        ("=> |/bin/x -a b <u@example.org> R=r T=pipe", "|/bin/x -a b", None, "u@example.org", "delivered"),
        ("=> :blackhole: <u@example.org> R=r", ":blackhole:", None, "u@example.org", "discarded"),
        ("** u@example.org: retry timeout exceeded", "u@example.org", None, None, "bounced"),
        ("** a@example.org: unknown local-part", "a@example.org", None, None, "bounced"),
        ("== a@example.org routing defer (-51): retry time not reached", "a@example.org", None, None, "deferred"),
    ],
)  # fmt: skip
def test_addresses(
    text: str, to: str, parent: str | None, original: str | None, status: str
) -> None:
    fields = record(f"{SHORT} {text}").fields
    assert fields["to"] == to
    assert (fields.get("parent"), fields.get("orig_to")) == (parent, original)
    assert fields["status"] == status


def test_letters_stop_at_the_free_text() -> None:
    fields = record(f"{SHORT} ** u@example.org R=r T=t H=mx [1.2.3.4]: SMTP error R=x T=5").fields
    assert (fields["router"], fields["transport"]) == ("r", "t")
    assert fields["reply"] == "SMTP error R=x T=5"


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("Completed", "removed"),
        ("Completed QT=1h2m3s", "removed"),
        ("Frozen (delivery error message)", "frozen"),
        ("Message is frozen", "frozen"),
        ("Unfrozen by errmsg timer", "unfrozen"),
        ("cancelled by timeout_frozen_after", "cancelled"),
        ("removed by root", "delete"),
        (
            "SMTP error from remote mail server after RCPT TO:<a@b>: host x [1.2.3.4]: 450 no",
            "remote-reply",
        ),
        ("H=127.0.0.1 [127.0.0.1] Connection refused", "connect-failed"),
    ],
)
def test_words_after_an_id(text: str, event: str) -> None:
    for queue_id in (SHORT, LONG):
        found = record(f"{queue_id} {text}")
        assert (found.event, found.queue_id) == (event, queue_id)
    assert record(f"{SHORT} Completed QT=3s").fields["queue_time"] == "3s"


@pytest.mark.parametrize(
    ("text", "stage", "to", "reply"),
    [
        ("H=x (h) [1.2.3.4] F=<a@example.org> rejected RCPT <b@example.org>: no such user", "RCPT", "b@example.org", "no such user"),
        ("H=x [1.2.3.4] F=<a@example.org> temporarily rejected RCPT <b@example.org>: later: x", "RCPT", "b@example.org", "later: x"),
        (f"{SHORT} H=x [1.2.3.4] F=<a@example.org> rejected after DATA: spam", "after DATA", None, "spam"),
    ],
)  # fmt: skip
def test_refusals(text: str, stage: str, to: str | None, reply: str) -> None:
    found = record(text)
    assert found.event == "reject"
    assert (found.fields["stage"], found.fields.get("to"), found.fields["reply"]) == (
        stage,
        to,
        reply,
    )
    assert (found.fields["from"], found.fields["client_address"]) == ("a@example.org", "1.2.3.4")
    assert found.queue_id == (SHORT if text.startswith(SHORT) else None)


def test_refused_connections_and_failed_logins() -> None:
    refused = record("refused connection from x [1.2.3.4]:33 (host_reject_connection)")
    assert (refused.event, refused.fields["client_address"]) == ("reject", "1.2.3.4")
    login = record(
        "dovecot_login authenticator failed for ([1.2.3.5]) [1.2.3.4]:55379: 535 Incorrect"
        " authentication data (set_id=info@example.org)"
    )
    assert (login.event, login.fields["set_id"]) == ("auth", "info@example.org")
    assert login.fields["client_address"] == "1.2.3.4"
    assert record("SMTP connection from x (h) [1.2.3.4]:33 closed by QUIT").event == "disconnect"
    assert (
        record("SMTP connection from [1.2.3.4]:33 (TCP/IP connection count = 1)").event == "connect"
    )
    assert record("SMTP connection from x [1.2.3.4]:33 lost").event == "lost-connection"


@pytest.mark.parametrize(
    ("stamp", "time", "pid", "host"),
    [
        ("2026-03-02 09:44:33.123 +0100 [4711] ", "2026-03-02T09:44:33.123000+01:00", 4711, None),
        ("2026-03-02 09:44:33.123 ", "2026-03-02T09:44:33.123000+00:00", None, None),
        ("2026-03-02 09:44:33 [4711] ", "2026-03-02T09:44:33+00:00", 4711, None),
        (
            "Mar  2 09:44:34 mx1 exim[99]: 2026-03-02 09:44:33 ",
            "2026-03-02T09:44:33+00:00",
            99,
            "mx1",
        ),
        ("2026-03-02T09:44:34Z mx1 exim4[99]: ", "2026-03-02T09:44:34+00:00", 99, "mx1"),
    ],
)
def test_stamps(stamp: str, time: str, pid: int | None, host: str | None) -> None:
    found = record(f"{LONG} Completed", stamp)
    assert found.time is not None
    assert (found.time.isoformat(), found.pid, found.host) == (time, pid, host)
    assert (found.event, found.queue_id) == ("removed", LONG)
    assert looks_like(f"{stamp}{LONG} Completed".encode())


@pytest.mark.parametrize(
    "line", ["", ' "x" in domain', "I Message-Id: <x@example.org>", "-----", f"{SHORT} Completed"]
)
def test_lines_without_a_stamp_are_kept_and_belong_to_no_message(line: str) -> None:
    found = record(line, "")
    assert (found.event, found.queue_id, found.raw) == ("other", None, line)


def test_foreign_lines() -> None:
    found = record(f"{SHORT} Completed", "Mar  2 09:44:34 mx1 sshd[99]: ")
    assert (found.event, found.queue_id) == ("other", None)
    assert not looks_like(b"2021-03-03 19:51:53,762 INFO  [qtp] SoapEngine")
    assert not looks_like(b"Mar  2 09:44:34 mx1 postfix/smtpd[9]: x")


@given(
    st.binary(max_size=160),
    st.sampled_from(["", STAMP, f"{STAMP}{SHORT} <= ", f"{STAMP}{LONG} => ", f"{STAMP}H="]),
)
def test_any_octets_give_a_record_with_the_whole_line(tail: bytes, head: str) -> None:
    line = head.encode() + tail
    found = parse_line(line, clock=LogClock())
    assert found.raw == line.decode("utf-8", "backslashreplace")
    if "<=" in head:
        assert found.queue_id == SHORT
    looks_like(line)


def test_senders_with_blanks() -> None:
    found = record(f'{SHORT} <= "a b"@example.org U=root P=local S=5 T="" for x')
    assert (found.fields["from"], found.fields["size"]) == ('"a b"@example.org', 5)
    assert found.fields["to"] == ["x"]


@pytest.mark.parametrize(
    ("text", "event", "address", "stage"),
    [
        ("H=(y) [1.2.3.4] rejected EHLO or HELO y: bad", "reject", "1.2.3.4", "EHLO or HELO y"),
        ("rejected EHLO from [1.2.3.4]: syntactically invalid argument(s): x_y", "reject", "1.2.3.4", "EHLO"),
        ('SMTP protocol synchronization error (x): rejected connection from H=[1.2.3.4]:5 input="G"', "reject", "1.2.3.4", "connection"),
        ("H=mx [1.2.3.4]: SMTP error from remote mail server after initial connection: 421 no", "remote-reply", "1.2.3.4", None),
        ("H=x [1.2.3.4] Warning: spam score", "warning", "1.2.3.4", None),
        ("no host name found for IP address 1.2.3.4", "dns", None, None),
        ("unexpected disconnection while reading SMTP command from x [1.2.3.4]:5 D=5s", "lost-connection", None, None),
    ],
)  # fmt: skip
def test_more_lines_about_peers(
    text: str, event: str, address: str | None, stage: str | None
) -> None:
    found = record(text)
    assert found.event == event
    assert (found.fields.get("client_address"), found.fields.get("stage")) == (address, stage)


@pytest.mark.parametrize(
    "to", ["discarded (system filter)", "blackhole (DATA ACL discarded recipients): x"]
)
def test_what_is_thrown_away(to: str) -> None:
    assert record(f"{SHORT} => {to}").fields["status"] == "discarded"
