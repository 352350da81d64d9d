"""``smtpadmin send --from-server``: the connection begins on that server, over its real sshd."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.test_end_to_end import Cli
from tests.servers.sshd import account, sshd_running
from tests.support.catch import catching

pytestmark = pytest.mark.live
LETTER = ("--from", "a@b.example", "--to", "c@d.example", "--tls", "none", "--json")


async def test_the_connection_begins_on_the_server(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    with sshd_running() as sshd, account(sshd) as user:
        ((place, fingerprint),) = sshd.trust().items()
        added = cli(
            "servers", "add", "edge", "--kind", "postfix", "--host", sshd.host, "--port", str(sshd.port),
            "--user", user.name, "--set", f"key_file={user.key}", "--trust", f"{place}={fingerprint}",
            "--no-probe",
        )  # fmt: skip
        assert added[0] == 0, added
        async with catching() as server:
            assert server.address is not None
            there = ("--host", "127.0.0.1", "--port", str(server.address[1]))
            code, (sent,), problem = await asyncio.to_thread(
                cli, "send", "--from-server", "edge", *there, *LETTER
            )
            assert (code, sent["result"]) == (0, "accepted"), problem
            assert "from the other machine" in " ".join(x["line"] for x in sent["transcript"])
            assert [message.recipients for message in server.store] == [("c@d.example",)]


def test_a_server_that_is_not_reached_over_ssh(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    cli(
        "servers",
        "add",
        "plain",
        "--kind",
        "smtp",
        "--host",
        "127.0.0.1",
        "--port",
        "9",
        "--no-probe",
    )
    code, _, problem = cli("send", "--from-server", "plain", "--host", "127.0.0.1", *LETTER)
    assert code == 2
    assert problem == "smtpadmin: --from-server plain: this server is not reached over SSH\n"
    code, _, problem = cli("send", "--from-server", "plain", "--host", "127.0.0.1", "-4", *LETTER)
    assert code == 2
    assert "Leave out" in problem
