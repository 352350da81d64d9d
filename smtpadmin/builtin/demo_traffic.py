"""The demo's people: they write mail at a human pace, over SMTP, like anybody.

What they write is chosen by a seeded random generator; what becomes of it is decided by the server
and by the outside world.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, localtime

import aiosmtplib

from smtpadmin.builtin.config import Address

START_BURST = 90
PACE_S = 1.2


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of mail: who writes to whom about what; ``weight`` is how often."""

    sender: str
    recipients: tuple[str, ...]
    subjects: tuple[str, ...]
    weight: int
    size: int = 2_000


KINDS: Sequence[Kind] = (
    Kind(
        "billing@acme.example",
        ("finance@partner.example", "orders@partner.example", "gone@partner.example"),
        ("Invoice {n}", "Reminder for invoice {n}", "Statement of account"),
        10,
        38_000,
    ),
    Kind(
        "reports@acme.example",
        ("ops@branch-7.example", "noc@branch-7.example"),
        ("Nightly report {n}", "Capacity report"),
        4,
        410_000,
    ),
    Kind(
        "no-reply@acme.example",
        ("j.ortiz@mailhost.example", "m.weber@mailhost.example", "info@oldtls.example"),
        ("Your order {n} has shipped", "Reset your password"),
        9,
        9_000,
    ),
    Kind(
        "newsletter@acme.example",
        ("lena@bigmail.example", "omar@bigmail.example", "kim@strict.example"),
        ("News in November", "What is new: {n}"),
        8,
        21_000,
    ),
    Kind("alerts@acme.example", ("oncall@pager.example", "duty@pager.example"), ("Disk 91 % full on db{n}", "Backup took longer"), 4, 1_500),
    Kind("support@acme.example", ("k.mori@nodns.example", "desk@university.example", "wei@flaky.example"), ("Re: ticket {n}", "Your question"), 6, 7_000),
    Kind("ceo@acme-payments.example", ("payroll@acme.example",), ("Urgent wire transfer {n}",), 1, 1_200),
    Kind("anna@acme.example", ("ben@acme.example", "team@acme.example", "orders@shop.example"), ("Lunch?", "Minutes of meeting {n}", "Grüße aus Köln"), 14, 3_000),
    Kind("spammer@elsewhere.example", ("victim@foreign.example",), ("Cheap watches",), 2, 900),
)  # fmt: skip


class Traffic:
    """Writes mail to one server until it is cancelled. ``user`` logs in over TLS when given."""

    def __init__(
        self, smtp: Address, user: tuple[str, str], tls: ssl.SSLContext, seed: int = 7
    ) -> None:
        self._smtp = smtp
        self._user = user
        self._tls = tls
        self._random = random.Random(seed)
        self.sent = 0
        self.refused = 0

    async def run(self) -> None:
        """A burst, as if the server had been up for a while, then a human pace."""
        for _ in range(START_BURST // 6):
            await asyncio.gather(*(self.write_one() for _ in range(6)))
        while True:
            await asyncio.sleep(self._random.expovariate(1 / PACE_S))
            await self.write_one()

    async def write_one(self) -> None:
        """Write and hand in one message; what the server refuses is only counted."""
        kind = self._random.choices(KINDS, [k.weight for k in KINDS])[0]
        recipients = self._random.sample(kind.recipients, self._random.choice((1, 1, 1, 2)) if len(kind.recipients) > 1 else 1)  # fmt: skip
        message = self._message(kind, recipients)
        try:
            await self._hand_in(kind, message, recipients)
        except (aiosmtplib.SMTPException, OSError):
            self.refused += 1
        else:
            self.sent += 1

    async def _hand_in(self, kind: Kind, message: EmailMessage, recipients: Sequence[str]) -> None:
        outsider = not kind.sender.endswith("@acme.example")
        client = aiosmtplib.SMTP(
            hostname=self._smtp[0],
            port=self._smtp[1],
            local_hostname="mail.elsewhere.example" if outsider else "ws7.acme.example",
            start_tls=not outsider,
            tls_context=None if outsider else self._tls,
            timeout=20,
        )
        async with client:
            if not outsider:
                await client.ehlo()
                await client.auth_plain(*self._user)
            await client.sendmail(kind.sender, list(recipients), message.as_bytes())

    def _message(self, kind: Kind, recipients: Sequence[str]) -> EmailMessage:
        message = EmailMessage()
        message["From"] = kind.sender
        message["To"] = ", ".join(recipients)
        message["Subject"] = self._random.choice(kind.subjects).format(
            n=self._random.randrange(1000, 9999)
        )
        message["Date"] = format_datetime(localtime())
        domain = kind.sender.partition("@")[2]
        message["Message-ID"] = f"<{uuid.UUID(int=self._random.getrandbits(128))}@{domain}>"
        words = max(20, int(kind.size * self._random.uniform(0.4, 1.6)) // 60)
        line = "This is one of the demo's messages; a real server carries it.\n"
        message.set_content(line * words)
        return message
