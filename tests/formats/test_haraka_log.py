"""Haraka's three formats; connections and transactions told apart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.haraka_log import looks_like, parse_line
from smtpadmin.model.log import LogRecord

UUID = "925D6479-2574-42C5-91F9-9CBF9CF9C294"
STAMP = "2026-11-23T15:21:51.879Z "


def record(text: str, uuid: str = f"{UUID}.1", plugin: str = "core") -> LogRecord:
    return parse_line(f"{STAMP}[NOTICE] [{uuid}] [{plugin}] {text}".encode())


@pytest.mark.parametrize(
    ("text", "event", "fields"),
    [
        ("sender <a@example.org> code=CONT msg=\"\"", "sender", {"from": "a@example.org"}),
        ("sender <> code=CONT msg=\"\"", "sender", {"from": ""}),
        ("recipient <b@example.org> code=OK msg=\"\" sender=a@example.org", "recipient", {"to": "b@example.org"}),
        ("recipient <b@example.org> code=DENY msg=\"no\" sender=a@example.org", "reject", {"msg": "no"}),
        ("recipient <b@example.org> deferred: 450 4.2.0 later", "delivery", {"status": "deferred", "code": 450, "dsn": "4.2.0"}),
        ("recipient <b@example.org> rejected: 550 no", "delivery", {"status": "bounced", "reply": "550 no"}),
        (f"queue code=OK msg=\"Message Queued ({UUID}.1)\"", "queued", {"code": "OK"}),
        (f"queue code=CONT msg=\"Message Queued ({UUID}.1)\"", "queue", {}),
        (" delivered file=x domain=b host=mx ip=192.0.2.9 port=25 mode=SMTP tls=N auth=N response=Ok: queued as A1B2C3 delay=0.1 fails=0 rcpts=1/0/0", "delivery", {"status": "sent", "reply": "Ok: queued as A1B2C3"}),
        ("Temp failing 1_2_3 for 60 seconds: Tried all MXs", "deferred", {"retry_in": 60, "file": "1_2_3"}),
        ("bouncing mail: No MX for x", "bounce", {"reply": "No MX for x"}),
        ("Created transaction: x", "other", {}),
    ],
)  # fmt: skip
def test_events(text: str, event: str, fields: dict[str, object]) -> None:
    found = record(text)
    assert found.event == event
    assert found.fields.items() >= fields.items()
    assert (found.queue_id, found.level, found.program) == (f"{UUID}.1", "notice", "haraka")
    assert found.time is not None


def test_a_connection_is_no_message() -> None:
    found = record("connect ip=192.0.2.7 port=5 local_ip=::1 local_port=25", UUID)
    assert (found.event, found.queue_id, found.fields["uuid"]) == ("connect", None, UUID)
    assert record("x", "-").fields.get("uuid") is None


def test_logfmt_and_json_say_the_same() -> None:
    text = parse_line(
        f'level=INFO plugin=core uuid={UUID}.2 message="sender <a@b> code=CONT"'.encode()
    )
    said = {
        "level": "INFO",
        "origin": "core",
        "uuid": f"{UUID}.2",
        "message": "sender <a@b> code=CONT",
    }
    other = parse_line(json.dumps(said | {"timestamp": "2026-11-23T15:21:51.879Z"}).encode())
    for found in (text, other):
        assert (found.event, found.queue_id, found.level) == ("sender", f"{UUID}.2", "info")
        assert (found.fields["from"], found.fields["plugin"]) == ("a@b", "core")
    assert other.time is not None


def test_through_syslog() -> None:
    found = parse_line(
        f"Nov 23 15:21:51 mx1 haraka[9]: [INFO] [{UUID}.1] [core] sender <a@b> x".encode()
    )
    assert (found.event, found.host, found.pid) == ("sender", "mx1", 9)


@pytest.mark.parametrize(
    "line", [b"", b"loaded TLD files: 1=1437", b"{}", b'{"type":"Bounce"}', b'{"level":5']
)
def test_other_lines_are_kept(line: bytes) -> None:
    found = parse_line(line)
    assert (found.event, found.raw) == ("other", line.decode())
    assert not looks_like(line)


def test_recognition() -> None:
    assert looks_like(f"{STAMP}[INFO] [-] [core] loading".encode())
    assert looks_like(f"level=INFO plugin=core uuid={UUID}".encode())
    assert looks_like(b'{"level":"INFO","uuid":"-"}')
    assert not looks_like(b"2026-11-23T15:21:51.879Z mx1 postfix/smtpd[1]: x")


@given(
    st.binary(max_size=120),
    st.sampled_from(["", STAMP, f"{STAMP}[INFO] [-] [core] ", "level=INFO ", '{"level":']),
)
def test_any_octets_give_a_record_with_the_whole_line(tail: bytes, head: str) -> None:
    line = head.encode() + tail
    assert parse_line(line).raw == line.decode("utf-8", "backslashreplace")
    looks_like(line)
