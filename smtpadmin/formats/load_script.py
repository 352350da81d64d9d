"""What the connections of a load test say, made once for all of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from smtpadmin.model.load import LoadPlan


@dataclass(frozen=True, slots=True)
class LoadScript:
    """What every connection of a run says, made once. ``text`` follows the Message-ID and ends with
    the final dot."""

    ehlo: bytes
    mail: bytes
    recipients: tuple[bytes, ...]
    text: bytes


def script_of(plan: LoadPlan) -> LoadScript:
    """What a plan's connections say."""
    numbers = range(1, plan.recipients + 1)
    return LoadScript(
        ehlo=f"EHLO {plan.helo}\r\n".encode(),
        mail=f"MAIL FROM:<{plan.sender}>\r\n".encode(),
        recipients=tuple(
            f"RCPT TO:<{plan.recipient.replace('%d', str(number))}>\r\n".encode()
            for number in numbers
        ),
        text=message_text(plan),
    )


def message_text(plan: LoadPlan) -> bytes:
    """What follows the Message-ID, with the final dot: about ``size`` octets in all."""
    head = (
        f"From: <{plan.sender}>\r\nTo: undisclosed-recipients:;\r\n"
        "Subject: smtpadmin load test\r\n\r\n"
    ).encode()
    line = b"x" * 76 + b"\r\n"
    left = max(0, plan.size - len(head))
    body = line * (left // len(line))
    rest = left % len(line)
    return head + body + (b"x" * (rest - 2) + b"\r\n" if rest > 2 else b"") + b".\r\n"
