"""The command line on a real built-in server: 200 messages from a stock client, field by field."""

from __future__ import annotations

import json
import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live
QUEUE_FIELDS = {
    "queue_id",
    "server",
    "queue",
    "arrived",
    "size",
    "sender",
    "recipients",
    "frozen",
    "flags",
}
TRACK_FIELDS = {
    "message_id", "sender", "subject", "size", "arrived", "client", "sasl_username", "status",
    "queue_ids", "recipients", "legs", "lines",
}  # fmt: skip


class Cli:
    def __init__(self, home: Path) -> None:
        self.environment = {
            **os.environ, "SMTPADMIN_HOME": str(home), "SMTPADMIN_SECRETS": f"vault:{home / 'vault'}",
            "SMTPADMIN_VAULT_PASSWORD": "vault password",
        }  # fmt: skip

    def __call__(self, *arguments: str, stdin: str = "") -> tuple[int, list[dict[str, Any]], str]:
        done = subprocess.run(
            [sys.executable, "-m", "smtpadmin", *arguments], env=self.environment, input=stdin,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, dict[str, Any]]]:
    home = tmp_path_factory.mktemp("home")
    cli = Cli(home)
    server = subprocess.Popen(
        [sys.executable, "-m", "smtpadmin", "serve", "--json", "--smtp", "127.0.0.1:0",
         "--admin", "127.0.0.1:0", "--data", str(home / "server"), "--hostname", "mx1.acme.example",
         "--domain", "acme.example", "--route", "down.example=127.0.0.1:9", "--retry", "1h"],
        stdout=subprocess.PIPE, env=cli.environment,
    )  # fmt: skip
    assert server.stdout is not None
    ready = json.loads(server.stdout.readline())
    try:
        token = Path(ready["token_file"]).read_text("ascii")
        code, said, problem = cli(*ready["add"], "--environment", "test", "--json", stdin=token)
        assert (code, said[0]["result"]) == (0, "added"), problem
        host, _, port = ready["smtp"].rpartition(":")
        with smtplib.SMTP(host, int(port)) as client:
            for n in range(200):
                to = f"user{n}@{'acme' if n % 2 else 'down'}.example"
                text = f"Subject: message {n}\r\nMessage-ID: <m{n}@acme.example>\r\n\r\nhello\r\n"
                client.sendmail("anna@acme.example", [to], text)
        wait_until_tried(cli)
        yield cli, ready
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()


def wait_until_tried(cli: Cli) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        _, entries, _ = cli("queue", "list", "--all", "--json")
        if len(entries) == 100 and all(e["queue"] == "deferred" for e in entries):
            return
    raise AssertionError("the messages were not tried in time")


def test_queue_list(served: tuple[Cli, dict[str, Any]]) -> None:
    code, entries, _ = served[0]("queue", "list", "--server", "mx1.acme.example", "--json")
    assert code == 0
    assert len(entries) == 100
    for entry in entries:
        assert entry.keys() >= QUEUE_FIELDS
        assert entry["server"] == "mx1.acme.example"
        assert entry["sender"] == "anna@acme.example"
        (recipient,) = entry["recipients"]
        assert recipient["delivered"] is False
        assert "Connection refused" in recipient["reason"]


def test_queue_list_with_a_filter(served: tuple[Cli, dict[str, Any]]) -> None:
    _, entries, _ = served[0](
        "queue", "list", "--all", "--filter", "to:user12*@down.example", "--json"
    )
    found = {e["recipients"][0]["address"] for e in entries}
    assert found == {f"user{n}@down.example" for n in (12, *range(120, 130, 2))}


@pytest.mark.parametrize(
    ("criteria", "status", "count"),
    [
        (["--to", "user3@acme.example"], "delivered", 1),
        (["--message-id", "m4@acme.example"], "deferred", 1),
        (["--message-id", "<M4@acme.example>"], "deferred", 1),
        (["--to", "@down.example"], "deferred", 100),
        (["--to", "user1*", "--status", "delivered"], "delivered", 56),
        (["--from", "anna@ACME.example", "--subject", "MESSAGE 7", "--limit", "3"], None, 3),
    ],
)
def test_track(
    served: tuple[Cli, dict[str, Any]], criteria: list[str], status: str | None, count: int
) -> None:
    code, found, _ = served[0]("track", "--all", *criteria, "--json")
    assert code == 0
    assert len(found) == count
    for message in found:
        assert message.keys() >= TRACK_FIELDS
        assert status in (None, message["status"])
        assert message["legs"][0]["kind"] == "accepted"
        assert message["queue_ids"] == [message["legs"][0]["queue_id"]]


def test_track_with_lines_gives_exactly_the_lines_of_the_id(
    served: tuple[Cli, dict[str, Any]],
) -> None:
    _, (message,), _ = served[0](
        "track", "--all", "--message-id", "m9@acme.example", "--lines", "--json"
    )
    (queue_id,) = message["queue_ids"]
    assert [json.loads(line)["event"] for line in message["lines"]] == [
        "client", "message-id", "queued", "delivery", "removed",
    ]  # fmt: skip
    assert {json.loads(line)["queue_id"] for line in message["lines"]} == {queue_id}


def test_what_is_not_there_prints_nothing_and_exits_1(served: tuple[Cli, dict[str, Any]]) -> None:
    code, found, _ = served[0]("track", "--all", "--to", "nobody@nowhere.example", "--json")
    assert (code, found) == (1, [])


def test_the_log_on_disk_answers_the_same(served: tuple[Cli, dict[str, Any]]) -> None:
    cli, ready = served
    log = str(Path(ready["data"]) / "log")
    _, on_disk, _ = cli("track", "--log", log, "--to", "user3@acme.example", "--json")
    _, on_server, _ = cli("track", "--all", "--to", "user3@acme.example", "--json")
    assert on_disk[0]["queue_ids"] == on_server[0]["queue_ids"]
    _, records, _ = cli("logs", "parse", str(Path(log) / "mail.log"), "--json")
    assert len(records) == len((Path(log) / "mail.log").read_bytes().splitlines())


def test_a_queued_message_is_shown_and_saved(
    served: tuple[Cli, dict[str, Any]], tmp_path: Path
) -> None:
    cli, _ = served
    queue_id = cli("queue", "list", "--all", "--json")[1][0]["queue_id"]
    where = ["queue", "show", "--server", "mx1.acme.example", queue_id]
    code, (whole,), _ = cli(*where, "--json")
    assert (code, whole.keys()) == (0, {"queue_id", "sender", "recipients", "raw"})
    _, (views,), _ = cli(*where, "--headers", "--body", "--structure", "--json")
    names = [header["name"] for header in views["headers"]]
    assert {"Received", "Subject", "Message-ID"} <= set(names)
    assert views["body"].strip() == "hello"
    assert views["structure"]["type"] == "text/plain"
    assert cli(*where, "--save", str(tmp_path / "x.eml"))[0] == 0
    assert (tmp_path / "x.eml").read_bytes().endswith(b"\r\nhello\r\n")
    code, _, problem = cli(*where, "--save", str(tmp_path / "x.eml"))
    assert code == 1
    assert "another name" in problem


def test_delete_dry_run_refusal_and_delete(served: tuple[Cli, dict[str, Any]]) -> None:
    cli, _ = served
    what = ["--all", "--filter", "to:user19*@down.example", "--json"]
    code, dry, _ = cli("queue", "delete", *what, "--dry-run")
    assert (code, len(dry)) == (0, 5)
    assert len(cli("queue", "list", "--all", "--json")[1]) == 100
    code, nothing, problem = cli("queue", "delete", *what)
    assert (code, nothing) == (2, [])
    assert "needs consent" in problem
    code, results, _ = cli("queue", "delete", *what, "--yes")
    assert code == 0
    assert {r["queue_id"] for r in results} == {d["queue_id"] for d in dry}
    assert all(r["ok"] for r in results)
    assert len(cli("queue", "list", "--all", "--json")[1]) == 95


def test_one_bad_id_among_good_ones_exits_5(served: tuple[Cli, dict[str, Any]]) -> None:
    cli, _ = served
    good = cli("queue", "list", "--all", "--json")[1][0]["queue_id"]
    code, results, _ = cli("queue", "hold", "--all", good, "NOSUCHID", "--json")
    assert code == 5
    assert {r["queue_id"]: r["ok"] for r in results} == {good: True, "NOSUCHID": False}
    code, _, _ = cli("queue", "release", "--all", "-", "--json", stdin=f"{good}\n")
    assert code == 0


def test_a_message_is_sent_and_followed(served: tuple[Cli, dict[str, Any]]) -> None:
    code, (sent,), _ = served[0](
        "send", "--server", "mx1.acme.example", "--from", "admin@acme.example",
        "--to", "ben@acme.example", "--follow", "--json",
    )  # fmt: skip
    assert code == 0
    assert (sent["result"], sent["stage"]) == ("accepted", "dot")
    assert sent["tls"]["version"].startswith("TLSv1")
    assert sent["trace"][0]["status"] == "delivered"
    assert sent["trace"][0]["queue_ids"] == [sent["queue_id"]]
    assert (sent["follow"]["status"], sent["follow"]["ended"]) == ("delivered", True)
    assert [step["kind"] for step in sent["follow"]["steps"]] == ["accepted", "found", "state"]


def test_an_unknown_server_and_an_unreachable_one(served: tuple[Cli, dict[str, Any]]) -> None:
    cli, _ = served
    code, _, problem = cli("queue", "list", "--server", "mx9", "--json")
    assert code == 2
    assert "no server named 'mx9'" in problem
    code, _, _ = cli("servers", "add", "gone", "--kind", "builtin", "--admin", "127.0.0.1:9",
                     "--password-stdin", "--no-probe", stdin="x\n")  # fmt: skip
    assert code == 0
    code, entries, problem = cli("queue", "list", "--server", "gone", "--json")
    assert (code, entries) == (3, [])
    code, entries, problem = cli("queue", "list", "--all", "--json")
    assert code == 5
    assert len(entries) > 90
    assert "gone" in problem
    assert cli("servers", "remove", "gone")[0] == 0


def test_exports_hold_no_secret(served: tuple[Cli, dict[str, Any]], tmp_path: Path) -> None:
    cli, ready = served
    out = tmp_path / "profiles.json"
    assert cli("servers", "export", "--out", str(out))[0] == 0
    token = Path(ready["token_file"]).read_text("ascii").strip()
    assert token not in out.read_text()
    assert json.loads(out.read_text())["profiles"][0]["name"] == "mx1.acme.example"
