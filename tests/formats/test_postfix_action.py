"""What rules did: stage, client, reply and the pairs at the end, with hostile texts between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.postfix_action import action

TAIL = "; from=<a@example.org> to=<b@example.org> proto=ESMTP helo=<h.example.org>"


def fields(text: str, event: str = "reject") -> dict[str, object]:
    found = action(text)
    assert found is not None
    assert found[0] == event
    return found[1]


def test_a_refused_recipient() -> None:
    found = fields(
        "reject: RCPT from x[198.51.100.7]:41234: 550 5.1.1 <b@example.org>: Recipient address"
        f" rejected: User unknown{TAIL} sasl_method=PLAIN sasl_username=bob"
    )
    assert found == {
        "action": "reject",
        "stage": "RCPT",
        "client": "x[198.51.100.7]:41234",
        "client_name": "x",
        "client_address": "198.51.100.7",
        "client_port": 41234,
        "reply": "550 5.1.1 <b@example.org>: Recipient address rejected: User unknown",
        "code": 550,
        "dsn": "5.1.1",
        "from": "a@example.org",
        "to": "b@example.org",
        "proto": "ESMTP",
        "helo": "h.example.org",
        "sasl_method": "PLAIN",
        "sasl_username": "bob",
    }


def test_empty_values_and_a_missing_helo() -> None:
    found = fields(
        "reject: RCPT from x[198.51.100.7]:41234: 450 4.7.25 <>: Client host rejected; cannot find;"
        " from=<> to=<> proto=ESMTP helo="
    )
    assert (found["from"], found["to"], found["proto"]) == ("", "", "ESMTP")
    assert "helo" not in found
    assert found["reply"] == "450 4.7.25 <>: Client host rejected; cannot find"


def test_the_address_that_begins_the_text_is_not_the_helo() -> None:
    found = fields("reject: RCPT from x[1.2.3.4]: 504 5.5.2 <u@example.org>: refused" + TAIL)
    assert found["helo"] == "h.example.org"


def test_pairs_inside_a_quoted_address_do_not_count() -> None:
    evil = '"; from=<x> to=<y> proto=SMTP helo=<z>"@example.org'
    found = fields(f"reject: RCPT from x[1.2.3.4]: 550 5.1.1 <{evil}>: unknown{TAIL}")
    assert (found["from"], found["to"]) == ("a@example.org", "b@example.org")


def test_a_text_without_pairs() -> None:
    found = fields("reject: RCPT from unknown[1.2.3.4]: 554 5.7.1 Service unavailable")
    assert (found["reply"], found["code"]) == ("554 5.7.1 Service unavailable", 554)


@pytest.mark.parametrize(
    ("text", "event", "stage"),
    [
        (
            "milter-reject: END-OF-MESSAGE from x[198.51.100.7]: 5.7.1 no",
            "reject",
            "END-OF-MESSAGE",
        ),
        ("proxy-reject: END-OF-MESSAGE: 554 5.7.1 no", "reject", "END-OF-MESSAGE"),
        ("reject: CONNECT from [192.0.2.1]:4122: too many connections", "reject", "CONNECT"),
        (
            "milter-hold: END-OF-MESSAGE from x[1.2.3.4]: milter triggers HOLD action",
            "hold",
            "END-OF-MESSAGE",
        ),
        ("hold: RCPT from x[1.2.3.4]: <a@b>: by policy", "hold", "RCPT"),
        ("discard: RCPT from x[1.2.3.4]: <a@b>: gone", "discard", "RCPT"),
        ("reject_warning: VRFY from x[1.2.3.4]: 550 5.1.1 <a>: no", "reject-warning", "VRFY"),
        ("milter-header-redirect: END-OF-MESSAGE from x[1.2.3.4]: x", "milter", "END-OF-MESSAGE"),
    ],
)
def test_actions(text: str, event: str, stage: str) -> None:
    found = fields(text + TAIL, event)
    assert found["stage"] == stage
    assert found["to"] == "b@example.org"


def test_a_header_check() -> None:
    found = fields(
        f"reject: header Subject: x; from=<e> to from y[6.6.6.6] from x[1.2.3.4]{TAIL}: 5.7.1 no"
    )
    assert found["stage"] == "header"
    assert found["content"] == "Subject: x; from=<e> to from y[6.6.6.6]"
    assert (found["client_address"], found["to"]) == ("1.2.3.4", "b@example.org")
    assert found["reply"] == "5.7.1 no"
    local = fields("warning: body free money from local; from=<a@b> to=<c@d>: why", "warning")
    assert (local["stage"], local["content"], local["client"]) == ("body", "free money", "local")


@pytest.mark.parametrize(
    "text", ["", "removed", "unheard-of: x", "reject", "to=<a>, status=sent (x)"]
)
def test_other_lines(text: str) -> None:
    assert action(text) is None


@given(st.text(max_size=100), st.text(max_size=30))
def test_any_text(text: str, other: str) -> None:
    action(text)
    action(
        f"reject: RCPT from x[1.2.3.4]: {text}; from=<{other}> to=<{text}> proto=E helo=<{other}>: x"
    )
    action(f"reject: header {text} from {other}; from=<")
