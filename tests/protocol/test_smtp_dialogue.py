"""Whole sessions without a socket: what is asked for goes over the wire, and every odd answer ends
in the right verdict."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    ServerRefusedError,
    UnreachableError,
    UsageError,
)
from smtpadmin.model.smtp import Envelope, Reply, Stage
from smtpadmin.model.smtp_plan import (
    Dialect,
    EnvelopePlan,
    LoginPlan,
    ProxyPlan,
    SendPlan,
    Stop,
    StopHow,
    StopPoint,
    TlsPlan,
    TlsUse,
    XclientPlan,
)
from smtpadmin.protocol.smtp_dialogue import SmtpDialogue, extensions_of
from smtpadmin.protocol.smtp_outputs import Kind, Write
from tests.support.dialogue_script import MAIL, Played, play

BANNER = b"220 mx ESMTP\r\n"
EHLO = (
    b"250-mx\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250-XCLIENT NAME ADDR\r\n250 AUTH LOGIN PLAIN\r\n"
)
OK = b"250 2.0.0 ok\r\n"
GO = b"354 go on\r\n"
QUEUED = b"250 2.0.0 Ok: queued as ABCDEF12\r\n"
BYE = b"221 bye\r\n"
GOOD = (BANNER, EHLO, OK, OK, GO, QUEUED, BYE)
STAGES = ("banner", "ehlo", "mail", "rcpt", "data", "dot")
PLAIN = SendPlan()
LOGIN = SendPlan(login=LoginPlan("user", mechanisms=("PLAIN",)))
STARTTLS = SendPlan(tls=TlsPlan(TlsUse.STARTTLS))


def test_an_ordinary_session() -> None:
    played = play(PLAIN, GOOD)
    assert (played.dialogue.error, played.dialogue.accepted) == (None, True)
    assert played.lines == [
        "EHLO desk.example", "MAIL FROM:<a@b.example> SIZE=27", "RCPT TO:<c@d.example>", "DATA",
        "Subject: x", "", "hello", "..dot", ".", "QUIT",
    ]  # fmt: skip
    assert played.stages == ["banner", "ehlo", "mail", "rcpt", "data", "dot", "quit"]
    assert (played.dialogue.stage, played.hung_up) == (Stage.DOT, True)
    assert played.dialogue.reply is not None
    assert played.dialogue.reply.text == "2.0.0 Ok: queued as ABCDEF12"


@pytest.mark.parametrize("split", [1, 2, 3, 7])
def test_replies_split_anywhere_make_the_same_session(split: int) -> None:
    assert play(PLAIN, GOOD, split=split).outputs == play(PLAIN, GOOD).outputs


@pytest.mark.parametrize("stop", range(len(STAGES)), ids=STAGES)
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"421 4.3.2 closing\r\n", ServerRefusedError),
        (b"554-5.7.1 no\r\n554 5.7.1 never\r\n", ServerRefusedError),
        (b"450 4.2.0 later\r\n", ServerRefusedError),
        (b"hello there\r\n", ProtocolError),
        (b"250 ok\n", ProtocolError),
        (b"250-mx\r\n251 ok\r\n", ProtocolError),
        (b"\x00\x01\xff\r\n", ProtocolError),
        (b"250 " + b"x" * 1_000_000 + b"\r\n", ProtocolError),
        (b"250-again\r\n" * 20_000, ProtocolError),
        (b"", UnreachableError),
        (b"250 half", UnreachableError),
    ],
    ids=["421", "554", "450", "nonsense", "bare LF", "code", "binary", "1 MB", "flood", "drop", "half"],
)  # fmt: skip
def test_every_bad_answer_at_every_stage(stop: int, reply: bytes, kind: type[Exception]) -> None:
    played = play(PLAIN, [*GOOD[:stop], reply])
    assert type(played.dialogue.error) is kind
    assert not played.dialogue.accepted
    assert (played.dialogue.stage.value, played.hung_up) == (STAGES[stop], True)


def test_after_421_and_after_nonsense_nobody_says_goodbye() -> None:
    assert "QUIT" not in play(PLAIN, [*GOOD[:2], b"421 bye\r\n"]).lines
    assert "QUIT" not in play(PLAIN, [*GOOD[:2], b"what\r\n"]).lines
    assert play(PLAIN, [*GOOD[:2], b"550 no\r\n"]).lines[-1] == "QUIT"


@pytest.mark.parametrize("after", [b"421 bye\r\n", b"nonsense\r\n", b"", b"250 odd\r\n"])
def test_after_the_message_is_accepted_nothing_takes_that_back(after: bytes) -> None:
    played = play(PLAIN, [*GOOD[:-1], after])
    assert (played.dialogue.error, played.dialogue.accepted) == (None, True)
    assert played.dialogue.stage is Stage.DOT


def test_nonsense_glued_to_the_acceptance_does_not_take_it_back() -> None:
    played = play(PLAIN, [*GOOD[:-2], QUEUED + b"nonsense\r\n"])
    assert (played.dialogue.error, played.dialogue.accepted) == (None, True)


def test_a_reply_to_nothing_is_thrown_away_and_a_421_among_them_ends_the_session() -> None:
    played = play(PLAIN, [BANNER + b"250 early\r\n", *GOOD[1:]])
    assert played.dialogue.accepted
    assert played.notes[0] == "(1 reply to nothing that was asked: thrown away)"
    played = play(PLAIN, [BANNER, EHLO + b"421 too late\r\n"])
    assert isinstance(played.dialogue.error, ServerRefusedError)


def test_an_acceptance_glued_to_354_is_no_acceptance() -> None:
    played = play(PLAIN, [*GOOD[:4], GO + QUEUED, b"554 no\r\n"])
    assert not played.dialogue.accepted


def test_helo_for_a_server_that_does_not_know_ehlo_and_by_choice() -> None:
    replies = (BANNER, b"502 what?\r\n", OK, OK, OK, GO, QUEUED, BYE)
    assert play(PLAIN, replies).lines[:2] == ["EHLO desk.example", "HELO desk.example"]
    plan = replace(PLAIN, dialect=Dialect.SMTP, helo="me.example")
    assert play(plan, GOOD).lines[0] == "HELO me.example"
    assert "SIZE" not in play(plan, GOOD).lines[1]


def test_extensions_of_a_reply() -> None:
    dialogue = play(PLAIN, GOOD).dialogue
    assert dialogue.talk.extensions["AUTH"] == "LOGIN PLAIN"
    assert dialogue.talk.extensions["XCLIENT"] == "NAME ADDR"
    assert extensions_of(Reply(250, "mx\n\n x y ")) == {"X": "y"}


# TLS.


def test_starttls_and_a_second_ehlo() -> None:
    played = play(STARTTLS, (BANNER, EHLO, b"220 go\r\n", EHLO, OK, OK, GO, QUEUED, BYE))
    assert played.dialogue.accepted
    assert played.lines[:3] == ["EHLO desk.example", "STARTTLS", "EHLO desk.example"]
    assert played.handshakes == 1
    assert played.stages[:4] == ["banner", "ehlo", "starttls", "tls"]


def test_what_comes_after_the_220_of_starttls_is_thrown_away() -> None:
    injected = b"220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n25"
    played = play(STARTTLS, (BANNER, EHLO, injected, EHLO, OK, OK, GO, QUEUED, BYE))
    assert played.dialogue.accepted
    assert "(1 reply to nothing that was asked: thrown away)" in played.notes


@pytest.mark.parametrize("reply", [b"454 4.7.0 not now\r\n", b"501 no\r\n", b"421 bye\r\n"])
def test_a_refused_starttls_never_goes_on_in_clear_text(reply: bytes) -> None:
    played = play(STARTTLS, (BANNER, EHLO, reply, EHLO, OK, OK, GO, QUEUED))
    assert isinstance(played.dialogue.error, ServerRefusedError)
    assert not [line for line in played.lines if line.startswith(("MAIL", "AUTH"))]


def test_starttls_not_offered() -> None:
    offer = b"250 mx\r\n"
    played = play(STARTTLS, (BANNER, offer, BYE))
    assert isinstance(played.dialogue.error, ServerRefusedError)
    assert played.dialogue.stage is Stage.STARTTLS
    anyway = replace(STARTTLS, tls=TlsPlan(TlsUse.STARTTLS, unadvertised=True))
    assert play(anyway, (BANNER, offer, b"220 go\r\n", EHLO, OK, OK, GO, QUEUED)).handshakes == 1
    optional = replace(STARTTLS, tls=TlsPlan(TlsUse.OPTIONAL))
    played = play(optional, (BANNER, offer, OK, OK, GO, QUEUED, BYE))
    assert (played.dialogue.accepted, played.handshakes) == (True, 0)
    played = play(optional, (BANNER, EHLO, b"454 no\r\n", OK, OK, GO, QUEUED, BYE))
    assert (played.dialogue.accepted, played.handshakes) == (True, 0)


def test_implicit_tls_comes_before_the_greeting() -> None:
    played = play(SendPlan(tls=TlsPlan(TlsUse.IMPLICIT)), GOOD)
    assert played.stages[:2] == ["tls", "banner"]
    assert played.dialogue.accepted


# PROXY and XCLIENT.


def test_a_proxy_header_comes_first_and_before_tls() -> None:
    proxy = ProxyPlan(1, source="192.0.2.7", source_port=40000, destination="192.0.2.1")
    played = play(replace(PLAIN, proxy=proxy), GOOD)
    assert played.lines[0] == "PROXY TCP4 192.0.2.7 192.0.2.1 40000 0"
    plan = SendPlan(proxy=replace(proxy, version=2), tls=TlsPlan(TlsUse.IMPLICIT))
    first = play(plan, GOOD).outputs[0]
    assert isinstance(first, Write)
    assert first.kind is Kind.BINARY
    assert "28 octets" in first.shown


def test_xclient_begins_the_session_anew() -> None:
    plan = replace(PLAIN, xclient=XclientPlan(("ADDR=192.0.2.9 NAME=x", "LOGIN=secret")))
    replies = (BANNER, EHLO, BANNER, BANNER, EHLO, OK, OK, GO, QUEUED, BYE)
    played = play(plan, replies)
    assert played.dialogue.accepted
    assert played.lines[:4] == [
        "EHLO desk.example",
        "XCLIENT ADDR=192.0.2.9 NAME=x",
        "XCLIENT LOGIN=secret",
        "EHLO desk.example",
    ]  # fmt: skip
    shown = [item.shown for item in played.outputs if isinstance(item, Write) and item.shown]
    assert shown == ["XCLIENT ADDR=192.0.2.9 NAME=x", "XCLIENT LOGIN=<redacted>"]


@pytest.mark.parametrize(
    ("options", "replies", "accepted"),
    [
        ({}, (BANNER, b"250 mx\r\n", BYE), False),
        ({"optional": True}, (BANNER, b"250 mx\r\n", OK, OK, GO, QUEUED), True),
        ({"unadvertised": True}, (BANNER, b"250 mx\r\n", BANNER, EHLO, OK, OK, GO, QUEUED), True),
        ({}, (BANNER, EHLO, b"550 no\r\n", BYE), False),
        ({"optional": True}, (BANNER, EHLO, b"550 no\r\n", OK, OK, GO, QUEUED), True),
    ],
)
def test_xclient_that_is_not_offered_or_refused(
    options: dict[str, bool], replies: tuple[bytes, ...], accepted: bool
) -> None:
    played = play(replace(PLAIN, xclient=XclientPlan(("NAME=x",), **options)), replies)
    assert played.dialogue.accepted is accepted
    if not accepted:
        assert isinstance(played.dialogue.error, ServerRefusedError)
        assert played.dialogue.detail == "xclient"
        assert "XCLIENT" in str(played.dialogue.error)


def test_xclient_before_starttls() -> None:
    plan = replace(STARTTLS, xclient=XclientPlan(("NAME=x",), before_tls=True))
    replies = (BANNER, EHLO, BANNER, EHLO, b"220 go\r\n", EHLO, OK, OK, GO, QUEUED, BYE)
    lines = play(plan, replies).lines
    assert lines.index("XCLIENT NAME=x") < lines.index("STARTTLS")
    after = replace(STARTTLS, xclient=XclientPlan(("NAME=x",)))
    replies = (BANNER, EHLO, b"220 go\r\n", EHLO, BANNER, EHLO, OK, OK, GO, QUEUED, BYE)
    lines = play(after, replies).lines
    assert lines.index("XCLIENT NAME=x") > lines.index("STARTTLS")


# Stop points.

EVERYTHING = SendPlan(
    tls=TlsPlan(TlsUse.STARTTLS),
    login=LoginPlan("user", mechanisms=("PLAIN",)),
    proxy=ProxyPlan(1, source="192.0.2.7", destination="192.0.2.1"),
    xclient=XclientPlan(("NAME=x",)),
)
EVERY_REPLY = (
    BANNER, EHLO, b"220 go\r\n", EHLO, BANNER, EHLO, b"235 welcome\r\n", OK, OK, GO, QUEUED, BYE,
)  # fmt: skip
AFTER = {
    StopPoint.PROXY: "PROXY", StopPoint.BANNER: "PROXY", StopPoint.FIRST_EHLO: "EHLO",
    StopPoint.TLS: "STARTTLS", StopPoint.XCLIENT: "XCLIENT", StopPoint.EHLO: "EHLO",
    StopPoint.AUTH: "AUTH", StopPoint.MAIL: "MAIL", StopPoint.RCPT: "RCPT", StopPoint.DATA: "DATA",
    StopPoint.DOT: ".",
}  # fmt: skip


def stopped(point: StopPoint, how: StopHow) -> Played:
    return play(replace(EVERYTHING, stop=Stop(point, how)), EVERY_REPLY, secret="pw", close=False)


@pytest.mark.parametrize("point", list(StopPoint))
def test_quit_after(point: StopPoint) -> None:
    played = stopped(point, StopHow.QUIT)
    assert (played.dialogue.error, played.dialogue.talk.stopped) == (None, point.value)
    *_, last, goodbye = played.lines
    assert (last.split(" ")[0], goodbye) == (AFTER[point], "QUIT")


@pytest.mark.parametrize("how", [StopHow.DROP, StopHow.DROP_AFTER_SEND])
@pytest.mark.parametrize("point", [p for p in StopPoint if p is not StopPoint.BANNER])
def test_drop_after(point: StopPoint, how: StopHow) -> None:
    played = stopped(point, how)
    assert (played.dialogue.error, played.dialogue.talk.stopped) == (None, point.value)
    assert played.hung_up
    assert played.lines[-1].split(" ")[0] == AFTER[point]


def test_drop_after_send_does_not_wait_for_the_reply() -> None:
    waited = play(replace(PLAIN, stop=Stop(StopPoint.MAIL, StopHow.DROP)), GOOD[:2], close=False)
    assert not waited.hung_up
    plan = replace(PLAIN, stop=Stop(StopPoint.MAIL, StopHow.DROP_AFTER_SEND))
    assert play(plan, GOOD[:2], close=False).hung_up


@pytest.mark.parametrize("point", ["proxy", "tls", "xclient", "auth"])
def test_a_stop_point_that_never_comes_sends_nothing(point: str) -> None:
    played = play(replace(PLAIN, stop=Stop(StopPoint(point))), GOOD)
    assert isinstance(played.dialogue.error, UsageError)
    assert played.sent == []


# Login.


def test_the_login_is_said_once_and_its_refusal_ends_the_session() -> None:
    played = play(LOGIN, (BANNER, EHLO, b"535 5.7.8 wrong\r\n", BYE), secret="pw")
    assert isinstance(played.dialogue.error, LoginError)
    assert played.dialogue.stage is Stage.AUTH
    assert [line for line in played.lines if line.startswith("AUTH")] == [
        "AUTH PLAIN " + base64.b64encode(b"\0user\0pw").decode()
    ]


def test_secrets_in_what_the_server_says_are_blotted() -> None:
    dialogue = SmtpDialogue(LOGIN, MAIL, secret="pw", blot=lambda text: text.replace("pw", "**"))
    dialogue.begin()
    for octets in (BANNER, EHLO, b"535 wrong: pw\r\n"):
        dialogue.received(octets)
    assert dialogue.reply is not None
    assert (dialogue.reply.text, "pw" in str(dialogue.error)) == ("wrong: **", False)


# Whatever happens.


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(0, 5))
def test_no_octets_make_it_raise(junk: list[bytes], good: int) -> None:
    played = play(EVERYTHING, [*EVERY_REPLY[:good], *junk], secret="pw")
    assert played.hung_up
    assert played.dialogue.ended


@given(
    st.lists(
        st.sampled_from(
            [
                b"220 a\r\n",
                EHLO,
                OK,
                GO,
                b"334 QUJD\r\n",
                b"235 ok\r\n",
                b"353 x\r\n",
                b"550 no\r\n",
            ]
        ),
        max_size=14,
    ),
    st.sampled_from(list(Dialect)),
    st.booleans(),
)
def test_no_order_of_replies_makes_it_raise_or_accept_wrongly(
    replies: list[bytes], dialect: Dialect, prdr: bool
) -> None:
    plan = replace(EVERYTHING, dialect=dialect, envelope=EnvelopePlan(prdr=prdr))
    played = play(plan, replies, secret="pw")
    assert played.hung_up
    if played.dialogue.accepted:
        assert played.dialogue.error is None
        assert played.lines.count(".") == 1


def test_control_characters_go_nowhere() -> None:
    for mail in (replace(MAIL, sender="a@b\r\nRCPT TO:<x>"), replace(MAIL, recipients=("c\n@d",))):
        played = play(PLAIN, GOOD, envelope=mail)
        assert isinstance(played.dialogue.error, UsageError)
        assert not [line for line in played.lines if "RCPT TO:<x>" in line]
    assert isinstance(play(replace(PLAIN, helo="x\r\ny"), GOOD).dialogue.error, UsageError)


def test_a_session_without_a_message() -> None:
    played = play(LOGIN, (BANNER, EHLO, b"235 ok\r\n", BYE), envelope=None, secret="pw")
    assert (played.dialogue.error, played.lines[-1]) == (None, "QUIT")


def test_an_empty_message() -> None:
    played = play(PLAIN, GOOD, envelope=Envelope("", ("c@d.example",), b"", "<1>"))
    assert played.lines[-3:] == ["DATA", ".", "QUIT"]
