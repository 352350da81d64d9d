"""Delivery lines: whatever the remote side said, the fields before it stay what they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.postfix_delivery import delivery

USUAL = "relay=mx.example.org[192.0.2.9]:25, delay=1.5, delays=0.1/0.2/0.3/0.9, dsn=2.0.0, status="


def fields(text: str) -> dict[str, object]:
    found = delivery(text)
    assert found is not None
    return found


def test_all_fields_in_their_order() -> None:
    line = (
        "to=<a@example.org>, orig_to=<postmaster>, relay=mx[2001:db8::1]:25, conn_use=2, delay=3.6,"
        " delays=0.2/0.02/0.04/3.3, tls=!may:none, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 153053D)"
    )
    assert fields(line) == {
        "to": "a@example.org",
        "orig_to": "postmaster",
        "relay": "mx[2001:db8::1]:25",
        "conn_use": 2,
        "delay": 3.6,
        "delays": "0.2/0.02/0.04/3.3",
        "tls": "!may:none",
        "dsn": "2.0.0",
        "status": "sent",
        "reply": "250 2.0.0 Ok: queued as 153053D",
    }


@pytest.mark.parametrize(
    ("head", "to"),
    [
        ('to=<"john, doe=x"@example.org>, ', '"john, doe=x"@example.org'),
        ('to=<"a>b"@example.org>, ', '"a>b"@example.org'),
        ("to=<>, ", ""),
        ("to=root, ", "root"),
    ],
)
def test_recipients(head: str, to: str) -> None:
    found = fields(f"{head}{USUAL}sent (ok)")
    assert found["to"] == to
    assert found["relay"] == "mx.example.org[192.0.2.9]:25"


def test_a_bare_recipient_with_a_bare_original() -> None:
    found = fields(
        "to=root, orig_to=root@localhost, relay=local, delay=1, dsn=2.0.0, status=sent (x)"
    )
    assert (found["to"], found["orig_to"], found["relay"]) == ("root", "root@localhost", "local")


@pytest.mark.parametrize(
    "relay",
    [
        "none",
        "local",
        "dovecot",
        "mx1.example.org[private/dovecot-lmtp]",
        "127.0.0.1[127.0.0.1]:10024",
    ],
)
def test_relays(relay: str) -> None:
    assert fields(f"to=<a@b>, relay={relay}, delay=0, dsn=2.0.0, status=sent (x)")["relay"] == relay


def test_the_first_status_and_the_outer_bracket_count() -> None:
    found = fields(f"to=<a@b>, {USUAL}sent (250 OK to=<b@example.org> status=bounced (x))")
    assert found["status"] == "sent"
    assert found["reply"] == "250 OK to=<b@example.org> status=bounced (x)"
    assert found["to"] == "a@b"


@pytest.mark.parametrize(
    "status",
    [
        *(
            "sent",
            "deferred",
            "bounced",
            "expired",
            "force-expired",
            "undeliverable",
            "deliverable",
        ),
        *("undeliverable-but-not-cached", "SOFTBOUNCE"),
    ],
)
def test_every_status(status: str) -> None:
    assert fields(f"to=<a@b>, {USUAL}{status} (x)")["status"] == status


def test_a_reply_that_syslog_cut_and_none_at_all() -> None:
    assert fields(f"to=<a@b>, {USUAL}deferred (host x said: 4")["reply"] == "host x said: 4"
    assert "reply" not in fields(f"to=<a@b>, {USUAL}sent")


def test_an_alias_names_the_new_queue_file() -> None:
    assert fields(f"to=<a@b>, {USUAL}sent (forwarded as 3C2B1A5)")["forwarded_as"] == "3C2B1A5"


def test_fields_that_are_not_known_are_kept() -> None:
    found = fields("to=<a@b>, orig_to=<c>, relay=x, new=1, delay=2, dsn=2.0.0, status=sent (ok)")
    assert (found["new"], found["orig_to"], found["delay"]) == ("1", "c", 2.0)
    assert found["reply"] == "ok"


@pytest.mark.parametrize("text", ["to=<a@b>", "from=<a>, status=sent (x)", ", status=sent (x)", ""])
def test_other_lines(text: str) -> None:
    assert delivery(text) is None


_local = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
_quoted = st.text(
    st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), max_size=9
)


@given(_local | _quoted.map(lambda text: f'"{text}"'), st.text(max_size=60))
def test_written_lines_are_read(local: str, reply: str) -> None:
    found = fields(f"to=<{local}@example.org>, {USUAL}sent ({reply})")
    assert found["to"] == f"{local}@example.org"
    assert found["reply"] == reply


@given(st.text(max_size=120))
def test_any_text(text: str) -> None:
    delivery(text)
    delivery(f"to=<{text}, status=sent ({text}")
