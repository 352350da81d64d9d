"""A test that begins on the server itself: over a real sshd, to a server that only it need reach."""

from __future__ import annotations

import pytest

from smtpadmin.model.errors import LoginError
from smtpadmin.model.recipe import Letter, Recipe
from smtpadmin.model.smtp_plan import SendPlan, Target
from smtpadmin.services.send_test import TestSender
from smtpadmin.services.tunnel import can_tunnel, tunnel
from smtpadmin.transport.smtp_run import Secrets
from tests.servers.sshd import account, sshd_running
from tests.support.catch import catching
from tests.support.memory_server import profile

LETTER = Letter("a@b.example", ("c@d.example",))


@pytest.mark.live
async def test_the_connection_begins_there() -> None:
    with sshd_running() as sshd, account(sshd) as user:
        async with catching() as server:
            assert server.address is not None
            plan = SendPlan(Target("127.0.0.1", server.address[1]))
            async with tunnel(sshd.profile(user), {}) as opener:
                result, error = await TestSender().send_recipe(
                    Recipe(LETTER, plan), Secrets(), opener=opener
                )
            assert error is None
            assert result.result == "accepted"
            assert "from the other machine" in " ".join(line.line for line in result.transcript)
            assert [message.recipients for message in server.store] == [("c@d.example",)]
        assert sshd.sessions() == []


@pytest.mark.live
async def test_what_ssh_refuses_is_the_outcome() -> None:
    with sshd_running() as sshd, account(sshd) as user:
        plan = SendPlan(Target("127.0.0.1", 9))
        async with tunnel(sshd.profile(user, key_file=""), {"password": "wrong"}) as opener:
            result, error = await TestSender().send_recipe(
                Recipe(LETTER, plan), Secrets(), opener=opener
            )
    assert result.result == "failed"
    assert isinstance(error, LoginError)


def test_only_servers_over_ssh() -> None:
    with sshd_running() as sshd, account(sshd) as user:
        assert can_tunnel(sshd.profile(user))
        assert not can_tunnel(sshd.profile(user, access="local"))
    assert not can_tunnel(profile())
