"""A plan to one host or to a domain's hosts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from smtpadmin.model.dns import MailRoute, MxHost
from smtpadmin.model.smtp_plan import SendPlan, Target
from smtpadmin.services.send_plan import send_plan
from smtpadmin.transport.smtp_run import Secrets
from tests.services.test_send_by_mx import Told
from tests.support.odd_server import odd_server, script
from tests.support.smtp_script import MAIL
from tests.transport.test_smtp_route import talk


async def test_one_host() -> None:
    async with odd_server(talk) as port:
        result, error = await send_plan(
            SendPlan(Target("127.0.0.1", port)), MAIL, Secrets(), total_s=5
        )
    assert (error, result.result) == (None, "accepted")


async def test_the_hosts_of_a_domain_over_real_sockets() -> None:
    """The first refuses to talk, the second takes the message; both listen on the same port."""
    async with odd_server(script(b"554 go away\r\n", b"221 bye\r\n")) as port:
        second = await asyncio.start_server(talk, "127.0.0.2", port)
        async with second:
            told = Told(MailRoute.LISTED, (MxHost(10, "127.0.0.1"), MxHost(20, "127.0.0.2")))
            plan = SendPlan(replace(Target(mx_of="d.example"), port=port))
            result, error = await send_plan(plan, MAIL, Secrets(), total_s=10, resolver=told)
    lines = [line.line for line in result.transcript]
    assert (error, result.result, result.host) == (None, "accepted", f"127.0.0.2:{port}")
    assert "554 go away" in lines
    assert lines.index("attempt 2 of 2: 127.0.0.2") > lines.index("554 go away")
