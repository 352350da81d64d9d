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
AT_ONCE = 6
PACE_S = 1.0
INSIDE = "acme.example"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of mail: who writes to whom about what; ``weight`` is how often, ``size`` about how
    many octets. Senders inside log in; others come from the outside, without TLS or login."""

    sender: str
    recipients: tuple[str, ...]
    subjects: tuple[str, ...]
    weight: int
    size: int = 2_000

    @property
    def is_inside(self) -> bool:
        """Whether a colleague writes it."""
        return self.sender.endswith(f"@{INSIDE}")


SUSPICIOUS = Kind(
    "ceo@acme-payments.example",
    ("payroll@acme.example", "anna@acme.example"),
    ("Urgent wire transfer {n}", "Are you at your desk?"),
    weight=1,
    size=1_200,
)
"""Held by the demo server's policy, for an administrator to look at."""

KINDS: Sequence[Kind] = (
    Kind(
        "billing@acme.example",
        ("finance@partner.example", "orders@partner.example", "gone@partner.example"),
        ("Invoice {n}", "Reminder for invoice {n}", "Statement of account"),
        weight=10,
        size=38_000,
    ),
    Kind(
        "reports@acme.example",
        ("ops@branch-7.example", "noc@branch-7.example", "vault@archive.example"),
        ("Nightly report {n}", "Capacity report"),
        weight=4,
        size=410_000,
    ),
    Kind(
        "no-reply@acme.example",
        ("j.ortiz@mailhost.example", "m.weber@mailhost.example", "info@oldtls.example"),
        ("Your order {n} has shipped", "Reset your password"),
        weight=9,
        size=9_000,
    ),
    Kind(
        "newsletter@acme.example",
        ("lena@bigmail.example", "omar@bigmail.example", "kim@strict.example"),
        ("News in November", "What is new: {n}"),
        weight=8,
        size=21_000,
    ),
    Kind(
        "alerts@acme.example",
        ("oncall@pager.example", "duty@pager.example"),
        ("Disk 91 % full on db{n}", "Backup took longer"),
        weight=4,
        size=1_500,
    ),
    Kind(
        "support@acme.example",
        ("k.mori@nodns.example", "desk@university.example", "wei@flaky.example"),
        ("Re: ticket {n}", "Your question"),
        weight=6,
        size=7_000,
    ),
    Kind(
        "anna@acme.example",
        ("ben@acme.example", "team@acme.example", "orders@shop.example", "desk@bank.example"),
        ("Lunch?", "Minutes of meeting {n}", "Grüße aus Köln"),
        weight=14,
        size=3_000,
    ),
    Kind(
        "lena@bigmail.example",
        ("sales@acme.example", "support@acme.example"),
        ("Question about order {n}", "Re: News in November"),
        weight=6,
    ),
    Kind(
        "offers@watches.example",
        ("all@lists.acme.example", "admin@lists.acme.example"),
        ("Cheap watches", "You have won {n} dollars"),
        weight=3,
        size=900,
    ),
    SUSPICIOUS,
)


class Traffic:
    """Writes mail to one server until it is cancelled. ``login`` is the colleagues' user name and
    password, ``tls`` trusts the server's certificate."""

    def __init__(
        self,
        smtp: Address,
        login: tuple[str, str],
        tls: ssl.SSLContext,
        *,
        seed: int = 7,
        burst: int = START_BURST,
        pace_s: float = PACE_S,
    ) -> None:
        self._smtp = smtp
        self._login = login
        self._tls = tls
        self._random = random.Random(seed)
        self._burst = burst
        self._pace_s = pace_s
        self.sent = 0
        self.refused = 0

    async def run(self) -> None:
        """A burst, as if the server had been up for a while, then a human pace."""
        first = [SUSPICIOUS] * 3 + self._choose(self._burst)
        for start in range(0, len(first), AT_ONCE):
            await asyncio.gather(*map(self.write_one, first[start : start + AT_ONCE]))
        while True:
            await asyncio.sleep(self._random.expovariate(1 / self._pace_s))
            await self.write_one(*self._choose(1))

    def _choose(self, number: int) -> list[Kind]:
        return self._random.choices(KINDS, [kind.weight for kind in KINDS], k=number)

    async def write_one(self, kind: Kind) -> None:
        """Write and hand in one message; what the server refuses is only counted."""
        number = self._random.choice((1, 1, 1, 2))
        recipients = self._random.sample(kind.recipients, number)
        message = self._message(kind, recipients)
        try:
            await self._hand_in(kind, message, recipients)
        except (aiosmtplib.SMTPException, OSError):
            self.refused += 1
        else:
            self.sent += 1
        _obey_cancellation()

    async def _hand_in(self, kind: Kind, message: EmailMessage, recipients: Sequence[str]) -> None:
        client = aiosmtplib.SMTP(
            hostname=self._smtp[0],
            port=self._smtp[1],
            local_hostname=f"ws7.{INSIDE}" if kind.is_inside else "mail.elsewhere.example",
            start_tls=kind.is_inside,
            tls_context=self._tls if kind.is_inside else None,
            timeout=20,
        )
        try:
            await client.connect()
            if kind.is_inside:
                await client.ehlo()
                await client.auth_plain(*self._login)
            await client.sendmail(kind.sender, list(recipients), message.as_bytes())
            await client.quit()
        finally:
            client.close()  # at once, also when cancelled in the middle of a dialogue

    def _message(self, kind: Kind, recipients: Sequence[str]) -> EmailMessage:
        message = EmailMessage()
        message["From"] = kind.sender
        message["To"] = ", ".join(recipients)
        subject = self._random.choice(kind.subjects)
        message["Subject"] = subject.format(n=self._random.randrange(1000, 9999))
        message["Date"] = format_datetime(localtime())
        domain = kind.sender.partition("@")[2]
        message["Message-ID"] = f"<{uuid.UUID(int=self._random.getrandbits(128))}@{domain}>"
        line = "This is one of the demo's messages; a real server carries it.\n"
        size = kind.size * self._random.uniform(0.4, 1.6)
        message.set_content(line * max(3, int(size) // len(line)))
        return message


def _obey_cancellation() -> None:
    """aiosmtplib may answer a cancellation in the middle of a dialogue by "disconnected"."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
