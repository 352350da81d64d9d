"""Postfix's lines without a queue ID, process by process."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.postfix_session import READERS, ended, sasl_failure

CLIENT = {"client": "x[192.0.2.7]", "client_name": "x", "client_address": "192.0.2.7"}


def read(text: str) -> tuple[str, dict[str, object]]:
    found = READERS[text.split(" ")[0].removesuffix(":")](text)
    assert found is not None
    return found


def test_counters_of_commands() -> None:
    event, fields = read("disconnect from x[192.0.2.7] ehlo=1 auth=0/1 commands=1/2")
    assert event == "disconnect"
    assert fields == CLIENT | {"ehlo": 1, "auth": "0/1", "commands": "1/2"}
    assert read("disconnect from x[192.0.2.7]") == ("disconnect", CLIENT)


def test_connections() -> None:
    assert read("connect from x[192.0.2.7]") == ("connect", CLIENT)
    event, fields = read("CONNECT from [2001:db8::7]:4122 to [192.0.2.1]:25")
    assert event == "connect"
    assert fields["client_address"] == "2001:db8::7"
    assert fields["client_port"] == 4122
    assert fields["server"] == "[192.0.2.1]:25"
    assert read("connect to mx.example.org[192.0.2.9]:25: Connection timed out") == (
        "connect-failed",
        {"relay": "mx.example.org[192.0.2.9]:25", "reply": "Connection timed out"},
    )


@pytest.mark.parametrize(
    ("text", "event", "more"),
    [
        (
            "lost connection after STARTTLS from x[192.0.2.7]",
            "lost-connection",
            {"stage": "STARTTLS"},
        ),
        (
            "lost connection after DATA (1234 bytes) from x[192.0.2.7]",
            "lost-connection",
            {"bytes": 1234},
        ),
        ("timeout after END-OF-MESSAGE from x[192.0.2.7]", "timeout", {"stage": "END-OF-MESSAGE"}),
        ("too many errors after RCPT from x[192.0.2.7]", "too-many-errors", {"stage": "RCPT"}),
        (
            "improper command pipelining after DATA from x[192.0.2.7]: QUIT\\r\\n",
            "pipelining",
            {"text": "QUIT\\r\\n"},
        ),
    ],
)
def test_sessions_that_end_early(text: str, event: str, more: dict[str, object]) -> None:
    found = ended(text)
    assert found is not None
    assert found[0] == event
    assert found[1].items() >= (CLIENT | more).items()


@pytest.mark.parametrize("trust", ["Verified", "Trusted", "Untrusted", "Anonymous"])
def test_tls(trust: str) -> None:
    event, fields = read(
        f"{trust} TLS connection established to mx.example.org[192.0.2.9]:25: TLSv1.3 with cipher"
        " X (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256"
    )
    assert event == "tls"
    assert fields == {
        "relay": "mx.example.org[192.0.2.9]:25",
        "trust": trust,
        "state": "established",
        "protocol": "TLSv1.3",
        "cipher": "X",
        "bits": "256/256",
        "key-exchange": "X25519",
        "server-signature": "RSA-PSS (2048 bits)",
        "server-digest": "SHA256",
    }
    assert (
        read(
            f"{trust} TLS connection established from x[192.0.2.7]: TLSv1 with cipher Y (1/1 bits)"
        )[1]["client_address"]
        == "192.0.2.7"
    )
    assert read("SSL_accept error from x[192.0.2.7]: -1") == ("tls", CLIENT)


def test_a_failed_login() -> None:
    found = sasl_failure(
        "x[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3, sasl_username=bob@x"
    )
    assert found == (
        "auth",
        CLIENT
        | {"sasl_method": "LOGIN", "result": "failed", "reply": "UGFzc3", "sasl_username": "bob@x"},
    )


@pytest.mark.parametrize(
    ("text", "test", "more"),
    [
        ("PREGREET 14 after 0.04 from [192.0.2.7]:4122: EHLO x\\r\\n", "PREGREET", {"bytes": 14, "after": "0.04", "text": "EHLO x\\r\\n"}),
        ("PASS OLD [192.0.2.7]:4122", "PASS OLD", {"client_port": 4122}),
        ("WHITELISTED [192.0.2.7]:4122", "ALLOWLISTED", {}),
        ("BLACKLISTED [192.0.2.7]:4122", "DENYLISTED", {}),
        ("ALLOWLIST VETO [192.0.2.7]:4122", "ALLOWLIST VETO", {}),
        ("DNSBL rank 4 for [192.0.2.7]:4122", "DNSBL", {"rank": 4}),
        ("HANGUP after 0.3 from [192.0.2.7]:4122 in tests before SMTP handshake", "HANGUP", {"stage": "tests before SMTP handshake"}),
        ("HANGUP after 0.3 from [192.0.2.7]:4122 in RCPT", "HANGUP", {"after": "0.3", "stage": "RCPT"}),
        ("COMMAND TIME LIMIT from [192.0.2.7]:4122 after CONNECT", "COMMAND TIME LIMIT", {"stage": "CONNECT"}),
        ("BARE NEWLINE from [192.0.2.7]:4122 after EHLO", "BARE NEWLINE", {}),
    ],
)  # fmt: skip
def test_postscreen(text: str, test: str, more: dict[str, object]) -> None:
    event, fields = read(text)
    assert event == "postscreen"
    assert fields["test"] == test
    assert fields["client_address"] == "192.0.2.7"
    assert fields.items() >= more.items()


def test_statistics() -> None:
    assert read("statistics: max connection rate 2/60s for (smtp:192.0.2.7) at Oct 26 18:13:50")[
        1
    ] == {
        "statistic": "max connection rate",
        "value": "2/60s",
        "for": "smtp:192.0.2.7",
        "at": "Oct 26 18:13:50",
    }
    assert read("statistics: domain lookup hits=0 miss=1 success=0%")[1] == {
        "statistic": "domain lookup",
        "hits": 0,
        "miss": 1,
        "success": "0%",
    }


def test_words_that_only_begin_like_these() -> None:
    for word, reader in READERS.items():
        assert reader(word) is None or word == "statistics", word


@given(st.sampled_from(sorted(READERS)), st.text(max_size=80))
def test_any_text(word: str, text: str) -> None:
    for line in (f"{word}{text}", f"{word} from x[1.2.3.4]{text}", text):
        READERS[word](line)
        ended(line)
        sasl_failure(line)


def test_a_stage_may_be_missing() -> None:
    found = ended("non-SMTP command from x[192.0.2.7]: GET / HTTP/1.1")
    assert found == (
        "non-smtp-command",
        CLIENT | {"reason": "non-SMTP command", "text": "GET / HTTP/1.1"},
    )


def test_the_name_that_a_tls_client_asked_for() -> None:
    _, fields = read(
        "Anonymous TLS connection established from x[192.0.2.7] to mx.example.org: TLSv1.3 with"
        " cipher X (256/256 bits)"
    )
    assert fields.items() >= (CLIENT | {"server_name": "mx.example.org", "cipher": "X"}).items()
