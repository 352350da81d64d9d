"""OpenSMTPD's lines, new and old; a session is no message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.opensmtpd_log import looks_like, parse_line
from smtpadmin.model.log import LogRecord

SESSION, ENVELOPE = "d50d077818a43669", "ecf91a0b5434270e"
SYSLOG = "Jan 11 12:01:03 mx1 smtpd[4711]: "


def record(text: str, head: str = "") -> LogRecord:
    return parse_line((head + text).encode())


@pytest.mark.parametrize("head", ["", SYSLOG])
@pytest.mark.parametrize(
    ("result", "status"), [("Ok", "sent"), ("TempFail", "deferred"), ("PermFail", "bounced")]
)
def test_a_delivery(head: str, result: str, status: str) -> None:
    found = record(
        f"{SESSION} mta delivery evpid={ENVELOPE} from=<a@example.org> to=<b@example.org> rcpt=<->"
        f' source="192.0.2.1" relay="192.0.2.9 (mx)" delay=1m2s result="{result}" stat="250 ok a=b"',
        head,
    )
    assert (found.event, found.queue_id) == ("delivery", "ecf91a0b")
    assert (
        found.fields.items()
        >= {
            "session": SESSION,
            "evpid": ENVELOPE,
            "from": "a@example.org",
            "to": "b@example.org",
            "relay": "192.0.2.9 (mx)",
            "status": status,
            "reply": "250 ok a=b",
        }.items()
    )


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (f"{SESSION} smtp connected address=192.0.2.7 host=x.example.org", "connect"),
        (f"{SESSION} smtp event=connected address=192.0.2.7 host=x.example.org", "connect"),
        (f"{SESSION} smtp disconnected reason=quit", "disconnect"),
        (f"{SESSION} smtp message msgid=ecf91a0b size=268 nrcpt=1 proto=ESMTP", "queued"),
        (f"{SESSION} smtp envelope evpid={ENVELOPE} from=<a@b> to=<c@d>", "envelope"),
        (f'{SESSION} smtp failed-command command="RCPT TO:<a@b>" result="550 no"', "reject"),
        (f"{SESSION} mta connecting address=smtp://192.0.2.9:25 host=mx", "connecting"),
        (f"{SESSION} mta error reason=IO Error: Connection refused", "connect-failed"),
        ("info: OpenSMTPD 6.8.0p2 starting", "start"),
        ("warn: purge_task: opendir: No such file", "warning"),
        ("info: mta paused", "other"),
        (f"smtp-in: New session {SESSION} from host x [192.0.2.7]", "connect"),
        (
            f"smtp-in: Accepted message 4296f490 on session {SESSION}: from=<a@b>, to=<c@d>, size=12, ndest=1",
            "queued",
        ),
        (f"delivery: TempFail for {ENVELOPE}: from=<a@b>, to=<c@d>, stat=x", "delivery"),
        (f"smtp-in: Closing session {SESSION}", "disconnect"),
        (f'smtp-in: Failed command on session {SESSION}: "RCPT" => 550 no', "reject"),
    ],
)
def test_events(text: str, event: str) -> None:
    for head in ("", SYSLOG):
        assert record(text, head).event == event


def test_fields_of_old_and_new() -> None:
    old = record(
        f"smtp-in: Accepted message 4296f490 on session {SESSION}: from=<a@b>, to=<c@d>, size=12, ndest=1"
    )
    assert (old.queue_id, old.fields["size"], old.fields["to"]) == ("4296f490", 12, "c@d")
    assert (
        record(f"{SESSION} mta error reason=IO Error: refused").fields["reason"]
        == "IO Error: refused"
    )
    assert record("warn: x").level == "warning"
    assert (
        record(f"smtp-in: New session {SESSION} from host x [192.0.2.7]").fields["client_address"]
        == "192.0.2.7"
    )


def test_recognition() -> None:
    assert looks_like(f"{SESSION} smtp connected address=local host=vm".encode())
    assert looks_like(f"{SYSLOG}{SESSION} mta connected".encode())
    assert looks_like(f"smtp-in: New session {SESSION} from host x [1.2.3.4]".encode())
    assert not looks_like(b"Jan 11 12:01:03 mx1 postfix/smtpd[1]: connect from x[1.2.3.4]")
    assert not looks_like(f"{SESSION} something else".encode())
    assert record(f"{SESSION} smtp connected", "Jan 11 12:01:03 mx1 sshd[1]: ").event == "other"


@given(
    st.binary(max_size=160),
    st.sampled_from(["", SYSLOG, f"{SESSION} mta delivery ", "delivery: Ok for "]),
)
def test_any_octets_give_a_record_with_the_whole_line(tail: bytes, head: str) -> None:
    line = head.encode() + tail
    assert parse_line(line).raw == line.decode("utf-8", "backslashreplace")
    looks_like(line)
