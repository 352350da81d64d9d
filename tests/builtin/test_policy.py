"""Who may send what to whom."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.builtin import policy
from smtpadmin.builtin.config import Limits, ServerConfig

CONFIG = ServerConfig(
    data=Path("unused"),
    local_domains={"open.example": None, "named.example": frozenset({"ann"})},
    relay_networks=(ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")),
    hold_senders=("*@held.example",),
    limits=Limits(message_size=1000, recipients=2, hops=3),
)


@pytest.mark.parametrize(
    ("client", "trusted"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("fe80::1%eth0", False),
        ("local", False),
    ],
)
def test_networks_that_may_relay(client: str, trusted: bool) -> None:
    assert policy.is_trusted(CONFIG, client) is trusted


@pytest.mark.parametrize(
    ("address", "trusted", "code"),
    [
        ("any@open.example", False, None),
        ("any@OPEN.example.", False, None),
        ("ann@named.example", False, None),
        ("ANN+tag@named.example", False, None),
        ("postmaster@named.example", False, None),
        ("bob@named.example", True, "550 5.1.1"),
        ("x@elsewhere.example", True, None),
        ("x@elsewhere.example", False, "554 5.7.1"),
        ("no-domain", True, "501 5.1.3"),
        ("a\tb@open.example", True, "501 5.1.3"),
        ("ä@open.example", True, "553 5.6.7"),
        ("a" * 400 + "@open.example", True, "501 5.1.3"),
    ],
)
def test_recipients(address: str, trusted: bool, code: str | None) -> None:
    reply = policy.recipient_reply(CONFIG, address, trusted=trusted, already=0)
    assert (reply and reply[:9]) == code


def test_the_limit_of_recipients() -> None:
    take = [
        policy.recipient_reply(CONFIG, "a@open.example", trusted=False, already=n) for n in range(3)
    ]
    assert take == [None, None, policy.TOO_MANY_RECIPIENTS]


def test_non_ascii_addresses_need_smtputf8() -> None:
    assert policy.sender_reply("ä@x.example", smtputf8=False) == policy.NEEDS_UTF8
    assert policy.sender_reply("ä@x.example", smtputf8=True) is None
    assert policy.sender_reply("", smtputf8=False) is None
    assert policy.sender_reply("no-domain", smtputf8=True) == policy.BAD_SENDER


@given(st.text(max_size=40))
def test_nothing_that_could_break_a_line_is_taken(address: str) -> None:
    reply = policy.recipient_reply(CONFIG, address, trusted=True, already=0, smtputf8=True)
    if reply is None:
        assert not set(address) & set("\r\n\0\t\x7f\x85\u2028")


@pytest.mark.parametrize(
    ("raw", "hops", "code"),
    [
        (b"A: b\r\n\r\n", 3, None),
        (b"A: b\r\n\r\n", 4, "554 5.4.6"),
        (b"A: b\r\n\r\n" + b"x" * 1000, 0, "552 5.3.4"),
        (b"A: b\r\n\r\na\0b\r\n", 0, "554 5.6.0"),
    ],
)
def test_messages(raw: bytes, hops: int, code: str | None) -> None:
    reply = policy.message_reply(CONFIG, raw, hops)
    assert (reply and reply[:9]) == code


def test_a_bare_postmaster_is_ours() -> None:
    assert policy.full_address(CONFIG, "Postmaster") == "Postmaster@open.example"
    assert policy.full_address(CONFIG, "ann") == "ann"
    nobody = ServerConfig(data=Path("unused"))
    assert policy.full_address(nobody, "postmaster") == "postmaster"


def test_held_senders() -> None:
    assert policy.first_state(CONFIG, "News@Held.Example") == "hold"
    assert policy.first_state(CONFIG, "news@free.example") == "incoming"
