"""Sends one composed message as a plan says: to one host or to a domain's MX hosts, with DANE and
MTA-STS looked up where the plan asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.smtp import Envelope, SendResult, TranscriptLine
from smtpadmin.model.smtp_plan import SendPlan
from smtpadmin.transport.smtp_route import Opener
from smtpadmin.transport.smtp_run import Secrets, Surroundings, run_plan
from smtpadmin.transport.tls_verdict import PolicyWords

if TYPE_CHECKING:
    from smtpadmin.transport.dns import Resolver


async def send_plan(
    plan: SendPlan,
    envelope: Envelope,
    secrets: Secrets,
    *,
    total_s: float,
    emit: Callable[[TranscriptLine], None] = lambda line: None,
    opener: Opener | None = None,
    resolver: Resolver | None = None,
) -> tuple[SendResult, SmtpadminError | None]:
    """``total_s`` bounds all of it. ``opener`` connects from another machine; ``resolver`` answers
    for MX, TLSA and MTA-STS. Never raises for what a server does."""
    until = time.monotonic() + total_s
    domain = plan.target.mx_of or envelope.recipients[0].rpartition("@")[2]

    async def one(
        wanted: SendPlan, tell: Callable[[TranscriptLine], None]
    ) -> tuple[SendResult, SmtpadminError | None]:
        policy = await _policy(wanted, domain, resolver)
        around = Surroundings(opener=opener, policy=policy)
        spent = total_s - (until - time.monotonic())
        left = total_s if spent < 0.1 else max(round(total_s - spent, 1), 0.1)
        return await run_plan(wanted, envelope, secrets, total_s=left, emit=tell, around=around)

    if not plan.target.mx_of:
        return await one(plan, emit)
    from smtpadmin.services.send_by_mx import send_by_mx

    return await send_by_mx(plan, envelope.message_id, resolver or _system(), one, emit)


async def _policy(plan: SendPlan, domain: str, resolver: Resolver | None) -> PolicyWords:
    if not plan.tls.dane and not plan.tls.mta_sts:
        return PolicyWords()
    from smtpadmin.services.tls_policy import policy_for

    return await policy_for(plan, domain, resolver or _system())


def _system() -> Resolver:
    from smtpadmin.transport.dns import Resolver

    return Resolver()
