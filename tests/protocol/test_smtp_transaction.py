"""One message in every way it can be handed over, and what each recipient is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smtpadmin.model.errors import ServerRefusedError
from smtpadmin.model.smtp import Envelope, Stage
from smtpadmin.model.smtp_plan import (
    Dialect,
    EnvelopePlan,
    SendPlan,
    Stop,
    StopHow,
    StopPoint,
    TransferPlan,
)
from smtpadmin.protocol.smtp_outputs import Kind, Write
from tests.support.dialogue_script import MAIL, Played, play

BANNER = b"220 mx\r\n"
OK = b"250 2.0.0 ok\r\n"
GO = b"354 go on\r\n"
NO = b"550 5.1.1 no such user\r\n"
QUEUED = b"250 2.0.0 Ok: queued as ABCDEF12\r\n"
BYE = b"221 bye\r\n"
THREE = replace(MAIL, recipients=("c@d.example", "gone@d.example", "e@d.example"))
PIPELINED = SendPlan(transfer=TransferPlan(pipelining=True))
LMTP = SendPlan(dialect=Dialect.LMTP)
PRDR = SendPlan(envelope=EnvelopePlan(prdr=True))


def ehlo(*names: str) -> bytes:
    lines = ["mx", *names]
    return "".join(
        f"250{' ' if n == len(lines) - 1 else '-'}{x}\r\n" for n, x in enumerate(lines)
    ).encode()


def run(
    plan: SendPlan, *replies: bytes, mail: Envelope = MAIL, offer: tuple[str, ...] = ()
) -> Played:
    return play(plan, (BANNER, ehlo(*offer), *replies), envelope=mail)


def codes(played: Played) -> list[int]:
    return [found.reply.code for found in played.dialogue.recipients]


def test_some_recipients_refused() -> None:
    played = run(SendPlan(), OK, OK, NO, OK, GO, QUEUED, BYE, mail=THREE)
    assert (played.dialogue.accepted, codes(played)) == (True, [250, 550, 250])


def test_all_refused_ends_before_data() -> None:
    played = run(SendPlan(), OK, NO, NO, NO, BYE, mail=THREE)
    assert isinstance(played.dialogue.error, ServerRefusedError)
    assert (played.dialogue.stage, codes(played)) == (Stage.RCPT, [550, 550, 550])
    assert "DATA" not in played.lines


# Pipelining.


def test_pipelining_sends_the_envelope_in_one_go() -> None:
    played = run(PIPELINED, OK + OK + NO + OK + GO, QUEUED, BYE, mail=THREE, offer=("PIPELINING",))
    assert (played.dialogue.accepted, codes(played)) == (True, [250, 550, 250])
    assert played.sent[1] == (
        b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<gone@d.example>\r\n"
        b"RCPT TO:<e@d.example>\r\nDATA\r\n"
    )
    assert played.notes == []


@pytest.mark.parametrize("split", [1, 5])
def test_pipelined_replies_may_come_in_any_pieces(split: int) -> None:
    wire = (BANNER, ehlo("PIPELINING"), OK + OK + GO, QUEUED, BYE)
    assert play(PIPELINED, wire, split=split).outputs == play(PIPELINED, wire).outputs


def test_pipelined_and_nobody_accepted() -> None:
    played = run(PIPELINED, OK, NO, NO, NO, b"554 5.5.1 no valid recipients\r\n", BYE, mail=THREE)
    assert isinstance(played.dialogue.error, ServerRefusedError)
    assert "550 5.1.1" in played.dialogue.error.what
    assert "." not in played.lines


def test_pipelined_and_a_server_that_takes_data_for_nobody() -> None:
    played = run(PIPELINED, OK, NO, NO, NO, GO, b"554 5.5.1 nobody\r\n", BYE, mail=THREE)
    assert isinstance(played.dialogue.error, ServerRefusedError)
    assert played.lines[-2:] == [".", "QUIT"]
    assert "hello" not in played.lines


def test_pipelined_and_the_sender_refused() -> None:
    played = run(PIPELINED, b"550 5.7.1 no\r\n", b"503 x\r\n", b"503 x\r\n", BYE)
    assert isinstance(played.dialogue.error, ServerRefusedError)
    assert played.dialogue.stage is Stage.MAIL


def test_pipelining_that_is_not_offered_says_so() -> None:
    assert "(the server does not offer PIPELINING)" in run(PIPELINED, OK, OK, GO, QUEUED).notes


@pytest.mark.parametrize("point", [StopPoint.MAIL, StopPoint.RCPT])
def test_pipelined_and_stopped_before_data(point: StopPoint) -> None:
    played = run(replace(PIPELINED, stop=Stop(point)), OK, OK, BYE)
    assert (played.dialogue.error, played.dialogue.talk.stopped) == (None, point.value)
    assert "DATA" not in played.lines


# LMTP and PRDR.


def test_lmtp_has_one_reply_for_each_accepted_recipient() -> None:
    full = b"452 4.2.2 mailbox full\r\n"
    played = run(LMTP, OK, OK, NO, OK, GO, full, QUEUED, BYE, mail=THREE)
    assert played.lines[0] == "LHLO desk.example"
    assert (played.dialogue.accepted, codes(played)) == (True, [452, 550, 250])
    assert played.dialogue.reply is not None
    assert "queued as" in played.dialogue.reply.text


def test_lmtp_that_refuses_everybody_after_the_message() -> None:
    played = run(LMTP, OK, OK, OK, OK, GO, NO, NO, NO, BYE, mail=THREE)
    assert isinstance(played.dialogue.error, ServerRefusedError)
    assert (played.dialogue.stage, codes(played)) == (Stage.DOT, [550, 550, 550])


def test_prdr() -> None:
    replies = (OK, OK, NO, OK, GO, b"353 each\r\n", OK, NO, QUEUED, BYE)
    played = run(PRDR, *replies, mail=THREE, offer=("PRDR",))
    assert "MAIL FROM:<a@b.example> PRDR" in played.lines
    assert (played.dialogue.accepted, codes(played)) == (True, [250, 550, 550])
    played = run(PRDR, OK, OK, GO, QUEUED, BYE)  # the server chose not to
    assert played.dialogue.accepted


# BDAT.


def test_bdat_in_chunks() -> None:
    plan = SendPlan(transfer=TransferPlan(chunk=20), envelope=EnvelopePlan(body="BINARYMIME"))
    offer = ("CHUNKING", "BINARYMIME", "8BITMIME")
    played = run(plan, OK, OK, OK, QUEUED, BYE, offer=offer)
    assert played.dialogue.accepted
    wire = b"".join(played.sent)
    assert b"MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n" in wire
    assert b"BDAT 20\r\n" + MAIL.raw[:20] + b"BDAT 7 LAST\r\n" + MAIL.raw[20:] + b"QUIT\r\n" in wire
    assert b"DATA\r\n" not in wire.replace(b"BDAT", b"")
    assert played.notes == []


def test_bdat_pipelined_and_refused() -> None:
    plan = SendPlan(transfer=TransferPlan(chunk=20, pipelining=True))
    played = run(plan, OK, OK, OK, QUEUED, BYE, offer=("CHUNKING", "PIPELINING"))
    assert played.dialogue.accepted
    plan = SendPlan(transfer=TransferPlan(chunk=20))
    played = run(plan, OK, OK, b"552 5.3.4 too big\r\n", BYE)
    assert isinstance(played.dialogue.error, ServerRefusedError)
    assert (played.dialogue.stage, played.dialogue.detail) == (Stage.DATA, "bdat")
    assert "(the server does not offer CHUNKING)" in played.notes


def test_bdat_with_lmtp() -> None:
    plan = SendPlan(dialect=Dialect.LMTP, transfer=TransferPlan(chunk=100))
    played = run(plan, OK, OK, NO, OK, NO, QUEUED, BYE, mail=THREE)
    assert codes(played) == [550, 550, 250]


# The end of the message.


@pytest.mark.parametrize("end", [r"\r\n.\n", r"\n.\n", r"\r\n.\r", r"\r.\r", r"\0.\r\n"])
def test_another_end_mark(end: str) -> None:
    played = run(SendPlan(transfer=TransferPlan(raw=True, end=end)), OK, OK, GO, QUEUED)
    body = next(i for i in played.outputs if isinstance(i, Write) and i.kind is Kind.BODY)
    wanted = end.encode().decode("unicode_escape").encode()
    assert body.octets == MAIL.raw + wanted


def test_raw_is_neither_stuffed_nor_ended() -> None:
    played = run(SendPlan(transfer=TransferPlan(raw=True)), OK, OK, GO, QUEUED)
    body = next(i for i in played.outputs if isinstance(i, Write) and i.kind is Kind.BODY)
    assert body.octets == MAIL.raw


def test_drop_after_the_dot() -> None:
    plan = SendPlan(stop=Stop(StopPoint.DOT, StopHow.DROP_AFTER_SEND))
    played = play(plan, (BANNER, ehlo(), OK, OK, GO), close=False)
    assert played.hung_up
    assert (played.dialogue.accepted, played.lines[-1]) == (False, ".")


# Parameters.


def test_parameters_follow_what_is_offered_and_what_is_forced() -> None:
    eight = replace(MAIL, raw=b"Subject: x\r\n\r\nh\xc3\xa4\r\n")
    line = run(SendPlan(), OK, mail=eight, offer=("SIZE 100", "8BITMIME")).lines[1]
    assert line == "MAIL FROM:<a@b.example> SIZE=19 BODY=8BITMIME"
    assert run(SendPlan(), OK, mail=eight).lines[1] == "MAIL FROM:<a@b.example>"
    forced = SendPlan(envelope=EnvelopePlan(size=99, body="8BITMIME", utf8=True, notify="NEVER"))
    played = run(forced, OK)
    assert played.lines[1] == "MAIL FROM:<a@b.example> SMTPUTF8 SIZE=99 BODY=8BITMIME"
    assert [note.split()[-1] for note in played.notes[:4]] == [
        "SMTPUTF8)",
        "SIZE)",
        "8BITMIME)",
        "DSN)",
    ]
    without = SendPlan(envelope=EnvelopePlan(size=-2, body="none"))
    assert (
        run(without, OK, mail=eight, offer=("SIZE", "8BITMIME")).lines[1]
        == "MAIL FROM:<a@b.example>"
    )


def test_an_address_beyond_ascii_needs_smtputf8() -> None:
    mail = replace(MAIL, sender="ä@b.example")
    played = run(SendPlan(), OK, mail=mail)
    assert isinstance(played.dialogue.error, ServerRefusedError)
    assert not [line for line in played.lines if line.startswith("MAIL")]
    assert (
        run(SendPlan(), OK, mail=mail, offer=("SMTPUTF8",)).lines[1]
        == "MAIL FROM:<ä@b.example> SMTPUTF8"
    )
    assert "SMTPUTF8" in run(SendPlan(envelope=EnvelopePlan(utf8=True)), OK, mail=mail).lines[1]
