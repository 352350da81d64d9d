"""Exim from a terminal: every command, exit codes and objects, on a real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.exim import Exim, running_exim

pytestmark = pytest.mark.live


class Cli:
    def __init__(self, home: Path) -> None:
        self.environment = {
            **os.environ, "SMTPADMIN_HOME": str(home), "SMTPADMIN_SECRETS": f"vault:{home / 'vault'}",
            "SMTPADMIN_VAULT_PASSWORD": "vault password",
        }  # fmt: skip

    def __call__(self, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        words = 1 + (not arguments[1].startswith("-"))
        whole = [*arguments[:words], "--json", *arguments[words:]]
        done = subprocess.run(
            [sys.executable, "-m", "smtpadmin", *whole], env=self.environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture(scope="module")
def running() -> Iterator[Exim]:
    with running_exim() as exim:
        yield exim


@pytest.fixture(scope="module")
def cli(running: Exim, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    made = Cli(tmp_path_factory.mktemp("home"))
    code, said, problem = made(
        "servers", "add", "ex1", "--kind", "exim", "--environment", "test", "--safety", "confirm",
        "--set", "access=local", "--set", f"binary={running.binary}",
        "--set", f"config={running.config}",
    )  # fmt: skip
    assert (code, said[0]["result"]) == (0, "added"), problem
    return made


@pytest.fixture
def exim(running: Exim) -> Exim:
    running.empty()
    return running


def test_test_names_version_and_rights(cli: Cli, exim: Exim) -> None:
    code, said, _ = cli("servers", "test", "ex1")
    assert code == 0
    assert (said[0]["software"], said[0]["version"]) == ("Exim", "4.96")
    assert said[0]["facts"]["Administrator"] == "by itself"


def test_list_hold_release_delete_by_filter(cli: Cli, exim: Exim) -> None:
    stays, frozen, doomed = (exim.put(f"{who}@down.test") for who in ("a", "b", "c"))
    code, said, _ = cli("queue", "hold", "--server", "ex1", frozen)
    assert (code, said[0]["ok"]) == (0, True)
    code, rows, _ = cli("queue", "list", "--server", "ex1")
    assert code == 0
    by_id = {row["queue_id"]: row for row in rows}
    assert set(by_id) == {stays, frozen, doomed}
    assert (by_id[frozen]["frozen"], by_id[frozen]["queue"]) == (True, "frozen")
    assert by_id[stays]["recipients"] == [
        {"address": "a@down.test", "reason": None, "delivered": False}
    ]
    assert cli("queue", "release", "--server", "ex1", frozen)[0] == 0
    assert cli("queue", "delete", "--server", "ex1", doomed)[0] == 2, "not without consent"
    code, said, _ = cli(
        "queue", "delete", "--server", "ex1", "--filter", "to:c@down.test", "--dry-run"
    )
    assert (code, [row["queue_id"] for row in said]) == (0, [doomed])
    code, said, problem = cli(
        "queue", "delete", "--server", "ex1", "--filter", "to:c@down.test", "--yes"
    )
    assert (code, [(row["queue_id"], row["ok"]) for row in said]) == (0, [(doomed, True)]), problem
    assert sorted(exim.ids()) == sorted([stays, frozen])
    code, said, _ = cli("queue", "delete", "--server", "ex1", "--yes", doomed, stays)
    assert code == 5
    assert {row["queue_id"]: row["ok"] for row in said} == {doomed: False, stays: True}
    assert cli("queue", "requeue", "--server", "ex1", frozen, "--yes")[0] == 4


def test_show_and_its_log(cli: Cli, exim: Exim) -> None:
    queue_id = exim.put(["-x@down.test", "anna@lab.test"], "ben@lab.test")
    code, said, _ = cli("queue", "retry", "--server", "ex1", queue_id)
    assert (code, said[0]["message"]) == (0, "1 delivered, 1 deferred: Connection refused")
    code, said, _ = cli("queue", "show", "--server", "ex1", queue_id)
    assert (code, said[0]["sender"], said[0]["recipients"]) == (0, "ben@lab.test", ["-x@down.test"])
    code, said, _ = cli("queue", "show", "--server", "ex1", queue_id, "--log")
    assert code == 0
    assert "Connection refused" in said[0]["log"][-1]
    code, said, problem = cli("queue", "show", "--server", "ex1", "--log", "nonsense")
    assert (code, said) == (1, [])
    assert "not a message ID of Exim" in problem


def test_logs(cli: Cli, exim: Exim) -> None:
    queue_id = exim.put("anna@lab.test", "ben@lab.test")
    exim.run("-M", queue_id)
    exim.wait_for(f"{queue_id} Completed")
    code, records, _ = cli("logs", "--server", "ex1")
    assert code == 0
    own = [r for r in records if r["queue_id"] == queue_id]
    assert own[0]["event"] == "queued"
    assert {r["event"] for r in own} >= {"queued", "delivery", "removed"}


def test_route(cli: Cli, exim: Exim) -> None:
    code, said, _ = cli("servers", "route", "ex1", "u@good.test")
    assert (code, said[0]["outcome"], said[0]["transport"]) == (0, "delivers", "hop")
    code, said, _ = cli("servers", "route", "ex1", "team@lab.test", "--", "-bounceme@x.test")
    assert (code, [one["outcome"] for one in said]) == (
        1,
        ["delivers", "delivers", "undeliverable"],
    )


def test_try(cli: Cli, exim: Exim) -> None:
    code, said, _ = cli(
        "servers",
        "try",
        "ex1",
        "--client",
        "127.0.0.1",
        "--from",
        "a@b.test",
        "--to",
        "u@good.test",
    )
    assert (code, said[0]["refused"]) == (0, False)
    code, said, _ = cli(
        "servers", "try", "ex1", "--client", "192.0.2.9", "--from", "<>", "--to", "nobody@lab.test"
    )
    assert (code, said[0]["refused"]) == (1, True)
    assert said[0]["replies"][3] == {
        "command": "RCPT TO:<nobody@lab.test>", "code": 550, "text": "no such user",
    }  # fmt: skip
    assert cli("servers", "try", "ex1", "--client", "x", "--to", "a@b.test")[0] == 2
    assert exim.ids() == []


def parse(cli: Cli, data: bytes, *options: str) -> tuple[int, list[dict[str, Any]], str]:
    done = subprocess.run(
        [sys.executable, "-m", "smtpadmin", "queue", "parse", "--json", *options, "-"],
        env=cli.environment, input=data, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, rows, done.stderr.decode()


def test_a_saved_listing_is_the_live_one(cli: Cli, exim: Exim) -> None:
    for sender in ("", "ben@lab.test", '"x> *** frozen ***"@e.test'):
        exim.put(['"a,b $(reboot)"@down.test', "anna@lab.test"], sender)
    exim.run("-Mf", exim.ids()[0])
    code, saved, _ = parse(cli, exim.run("-bp").encode())
    assert code == 0
    live = cli("queue", "list", "--server", "ex1")[1]
    assert sorted(
        ({**row, "server": None} for row in live), key=lambda row: row["queue_id"]
    ) == sorted(saved, key=lambda row: row["queue_id"])


def test_what_is_no_listing_is_told(cli: Cli, exim: Exim) -> None:
    code, rows, problem = parse(cli, b"")
    assert (code, rows) == (1, [])
    assert "nothing is in it" in problem
    assert parse(cli, b"", "--format", "exim-bp")[0] == 0, "Exim prints nothing for an empty queue"
    assert parse(cli, b"", "--format", "sendmail")[0] == 1
    denied = exim.run("-bp", user="nobody")
    code, rows, problem = parse(cli, denied.encode())
    assert (code, rows) == (1, [])
    assert "exim: permission denied" in problem
    code, _, problem = parse(cli, b"sudo: a password is required\n")
    assert code == 2
    assert "it begins with: sudo: a password is required" in problem
    code, _, problem = parse(cli, bytes(range(256)) * 500, "--format", "exim-bp")
    assert code == 1
    assert problem.count("\n") == 21
    code, _, problem = parse(cli, b"x", "--format", "nonsense")
    assert code == 2
    assert "exim-bp" in problem


def test_two_listings_in_one_file(cli: Cli, exim: Exim) -> None:
    exim.put("u@down.test")
    code, rows, problem = parse(cli, exim.run("-bp").encode() + b"Mail queue is empty\n")
    assert (code, len(rows)) == (5, 1)
    assert "Mail queue is empty" in problem
