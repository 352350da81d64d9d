"""Plays a server to a dialogue without a socket: a list of replies, each said when it is waited for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from smtpadmin.model.smtp import Envelope
from smtpadmin.model.smtp_plan import SendPlan
from smtpadmin.protocol.smtp_dialogue import SmtpDialogue
from smtpadmin.protocol.smtp_outputs import Enter, HangUp, Note, Output, StartTls, Write

MAIL = Envelope("a@b.example", ("c@d.example",), b"Subject: x\r\n\r\nhello\r\n.dot\r\n", "<1@b>")


@dataclass
class Played:
    """What a session did. ``sent`` joins what was written between two replies."""

    dialogue: SmtpDialogue
    sent: list[bytes] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    handshakes: int = 0
    hung_up: bool = False
    outputs: list[Output] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """Everything that was sent, line by line."""
        return b"".join(self.sent).decode("utf-8", "backslashreplace").split("\r\n")[:-1]


def play(
    plan: SendPlan,
    replies: Iterable[bytes],
    *,
    envelope: Envelope | None = MAIL,
    secret: str = "",
    split: int = 0,
    close: bool = True,
    bindings: dict[str, bytes] | None = None,
) -> Played:
    """``split`` cuts each reply into pieces of so many octets; ``close`` hangs up at the end."""
    dialogue = SmtpDialogue(plan, envelope, secret=secret, own_name="desk.example", where="mx:25")
    played = Played(dialogue)
    do(played, dialogue.begin(), bindings or {})
    for reply in replies:
        if dialogue.ended or played.hung_up:
            break
        step = split or max(len(reply), 1)
        for start in range(0, len(reply), step):
            do(played, dialogue.received(reply[start : start + step]), bindings or {})
    if close and not played.hung_up:
        do(played, dialogue.hung_up(), bindings or {})
    return played


def do(played: Played, outputs: list[Output], bindings: dict[str, bytes]) -> None:
    """What the driver would do."""
    played.outputs += outputs
    written = b"".join(item.octets for item in outputs if isinstance(item, Write))
    if written:
        played.sent.append(written)
    played.stages += [item.stage.value for item in outputs if isinstance(item, Enter)]
    played.notes += [item.words for item in outputs if isinstance(item, Note)]
    played.hung_up |= any(isinstance(item, HangUp) for item in outputs)
    if any(isinstance(item, StartTls) for item in outputs):
        played.handshakes += 1
        do(played, played.dialogue.encrypted(bindings), bindings)
