"""The transcript beside what a capture on the wire shows, octet for octet, in both directions:
sessions of every form with a real Postfix and a real Dovecot (LMTP), without TLS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from smtpadmin.model.recipe import Letter, Recipe
from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.model.smtp_plan import (
    Dialect,
    EnvelopePlan,
    LoginPlan,
    SendPlan,
    Stop,
    StopPoint,
    Target,
    TlsPlan,
    TlsUse,
    TransferPlan,
)
from smtpadmin.services.send_test import TestSender
from smtpadmin.transport.smtp_run import Secrets
from smtpadmin.util.text import decode_line, visible
from tests.servers.dovecot import USER
from tests.servers.relay_lab import NOBODY, RelayLab, running_relay_lab
from tests.support.wire_tap import Tap, wire_tap

pytestmark = pytest.mark.live
PASSWORD = "Mispel-7731-quer"
DOTS = ".\n..\n.one\nGrüße, 日本\ttab\n\n" + "x" * 900 + "\nlast."
LETTER = Letter(USER, (USER,), text=DOTS, eight_bit=True)
REDACTED = "<redacted"


@pytest.fixture(scope="module")
def lab() -> Iterator[RelayLab]:
    with running_relay_lab(PASSWORD) as running:
        yield running


def lines(octets: bytes) -> list[str]:
    """A side's octets as the transcript shows lines."""
    assert octets.endswith(b"\r\n")
    return [visible(decode_line(line)) for line in octets.removesuffix(b"\r\n").split(b"\r\n")]


def shown(transcript: Sequence[TranscriptLine], direction: str) -> list[str]:
    return [line.line for line in transcript if line.direction == direction]


def agree(said: Sequence[str], heard: Sequence[str]) -> int:
    """Line by line the same, but for the secrets; gives how many lines had one."""
    differing = [(a, b) for a, b in zip(said, heard, strict=True) if a != b]
    for written, on_the_wire in differing:
        kept, _, _ = written.partition(REDACTED)
        assert REDACTED in written, (written, on_the_wire)
        assert on_the_wire.startswith(kept)
    return len(differing)


async def send(
    port: int, plan: SendPlan, letter: Letter = LETTER, password: str = ""
) -> tuple[Sequence[TranscriptLine], Tap, str]:
    """The transcript, the capture and the result of one session."""
    async with wire_tap(port) as tap:
        plan = replace(plan, target=Target(host="127.0.0.1", port=tap.port))
        result, _ = await TestSender().send_recipe(Recipe(letter, plan), Secrets(password))
    return result.transcript, tap, result.result


SESSIONS = {
    "ordinary": SendPlan(),
    "HELO": SendPlan(dialect=Dialect.SMTP),
    "pipelined": SendPlan(transfer=TransferPlan(pipelining=True)),
    "chunks": SendPlan(transfer=TransferPlan(chunk=400)),
    "pipelined chunks": SendPlan(transfer=TransferPlan(pipelining=True, chunk=400)),
    "DSN": SendPlan(envelope=EnvelopePlan(ret="HDRS", envid="a+b", notify="FAILURE", orcpt="auto")),
    "early end": SendPlan(stop=Stop(StopPoint.RCPT)),
}


@pytest.mark.parametrize("name", SESSIONS)
async def test_every_line_in_both_directions(lab: RelayLab, name: str) -> None:
    in_chunks = "chunks" in name
    letter = replace(LETTER, eight_bit=not in_chunks)  # a chunk may end within a character
    transcript, tap, _ = await send(lab.hub.port, SESSIONS[name], letter)
    said, heard = shown(transcript, ">"), lines(tap.octets(">"))
    if in_chunks:  # these end anywhere in a line, and the next BDAT follows at once
        said, heard = ["".join(said)], ["".join(heard)]
    assert agree(said, heard) == 0
    assert agree(shown(transcript, "<"), lines(tap.octets("<"))) == 0
    assert said[-1].endswith("QUIT")
    if name in ("ordinary", "pipelined", "DSN"):
        assert "Grüße, 日本␉tab" in said


async def test_the_order_of_commands_and_replies(lab: RelayLab) -> None:
    transcript, tap, result = await send(lab.hub.port, SESSIONS["ordinary"])
    assert result == "accepted"
    told = [(line.direction, line.line) for line in transcript if line.direction != "*"]
    assert told == [(way, line) for way, octets in tap.turns() for line in lines(octets)]
    stamps = [line.t_ms for line in transcript]
    assert stamps == sorted(stamps)


async def test_refused_recipients(lab: RelayLab) -> None:
    letter = replace(LETTER, to=(NOBODY, "elsewhere@other.example"))
    transcript, tap, result = await send(lab.hub.port, SendPlan(), letter)
    assert result == "refused"
    for direction in "><":
        assert agree(shown(transcript, direction), lines(tap.octets(direction))) == 0
    assert any(line.startswith("550 5.1.1") for line in shown(transcript, "<"))


async def test_lmtp(lab: RelayLab) -> None:
    plan = SendPlan(dialect=Dialect.LMTP)
    transcript, tap, result = await send(lab.dovecot.ports["lmtp"], plan)
    assert result == "accepted"
    for direction in "><":
        assert agree(shown(transcript, direction), lines(tap.octets(direction))) == 0


@pytest.mark.parametrize(("mechanism", "secrets"), [("PLAIN", 1), ("LOGIN", 2)])
@pytest.mark.parametrize("password", [PASSWORD, "Falsch-2290-leise"])
async def test_a_login_differs_in_its_secrets_alone(
    lab: RelayLab, mechanism: str, secrets: int, password: str
) -> None:
    plan = SendPlan(login=LoginPlan(USER, mechanisms=(mechanism,)))
    transcript, tap, result = await send(lab.filtered, plan, password=password)
    assert (result == "accepted") is (password == PASSWORD)
    assert agree(shown(transcript, "<"), lines(tap.octets("<"))) == 0
    assert agree(shown(transcript, ">"), lines(tap.octets(">"))) in range(1, secrets + 1)
    assert password not in "\n".join(line.line for line in transcript)


async def test_what_was_said_before_tls(lab: RelayLab) -> None:
    tls = TlsPlan(TlsUse.STARTTLS, ca_file=lab.dovecot.ca_file)
    transcript, tap, result = await send(lab.edge.port, SendPlan(tls=tls))
    assert result == "accepted"
    clear = [line for line in transcript if not line.tls]
    client, _, hidden = tap.octets(">").partition(b"STARTTLS\r\n")
    assert hidden.startswith(b"\x16\x03")
    assert shown(clear, ">") == [*lines(client), "STARTTLS"]
    said = shown(clear, "<")
    assert tap.octets("<").startswith("".join(f"{line}\r\n" for line in said).encode())
    assert any(line.startswith("MAIL FROM:") for line in shown(transcript, ">"))
    assert b"MAIL FROM:" not in tap.octets(">")
