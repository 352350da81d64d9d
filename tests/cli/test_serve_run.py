"""The server as a program: it says when it is ready, stops when told, and fails in one sentence."""

from __future__ import annotations

import contextlib
import json
import signal
import smtplib
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ANY_PORT = ("--smtp", "127.0.0.1:0", "--admin", "127.0.0.1:0")
DEADLINE_S = 20
MESSAGE = "Subject: x\r\n\r\nHi.\r\n"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "smtpadmin", "serve", "--json", *map(str, arguments)]


@contextlib.contextmanager
def served(*arguments: object) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """A running server and what it said when it was ready; it is made to end."""
    process = subprocess.Popen(
        command(*ANY_PORT, *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(b"secret\n")
        process.stdin.flush()
        yield process, json.loads(process.stdout.readline())
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(DEADLINE_S)
        process.stdin.close()
        process.stdout.close()


def ask(ready: dict[str, Any], path: str) -> Any:
    token = Path(ready["token_file"]).read_text("ascii").strip()
    request = urllib.request.Request(
        ready["admin"] + path, headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
        return json.loads(answer.read())


def client_of(ready: dict[str, Any]) -> smtplib.SMTP:
    host, _, port = ready["smtp"].rpartition(":")
    return smtplib.SMTP(host, int(port), timeout=DEADLINE_S)


def failing(*arguments: object) -> tuple[int, str]:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_it_says_what_it_is_when_it_is_ready(tmp_path: Path) -> None:
    options = ("--data", tmp_path, "--domain", "acme.example", "--submission", "127.0.0.1:0")
    route = ("--route", "partner.example=127.0.0.1:1", "--user", "anna", "--password-stdin")
    with served(*options, *route, "--hostname", "mail.acme.example") as (_, ready):
        assert ready["data"] == str(tmp_path)
        assert ready["domains"] == {
            "local": ["acme.example"],
            "routes": {"partner.example": "127.0.0.1:1"},
        }
        assert ready["add"][:5] == ["servers", "add", "mail.acme.example", "--kind", "builtin"]
        assert ready["admin"].removeprefix("http://") in ready["add"]
        assert Path(ready["ca_file"]).exists()
        status = ask(ready, "/v1/status")
        assert (status["smtp"], status["submission"]) == (ready["smtp"], ready["submission"])
        assert status["users"] == 1
        with client_of(ready) as client:
            client.starttls()
            client.login("anna", "secret")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_keeps_the_queue_and_ends_the_log(
    tmp_path: Path, number: signal.Signals
) -> None:
    options = ("--data", tmp_path, "--route", "*=127.0.0.1:1")
    with served(*options) as (process, ready):
        with client_of(ready) as client:
            client.sendmail("a@x.example", ["b@y.example"], MESSAGE)
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 0
    last = (tmp_path / "log" / "mail.log").read_text("utf-8").splitlines()[-1]
    assert json.loads(last)["event"] == "stop"
    with served(*options) as (_, ready):
        assert sum(ask(ready, "/v1/queue/counts").values()) == 1


def test_a_second_server_on_the_same_data_is_one_sentence(tmp_path: Path) -> None:
    with served("--data", tmp_path):
        code, said = failing(*ANY_PORT, "--data", tmp_path)
    assert code == 1
    assert said.startswith("smtpadmin: ")
    assert str(tmp_path) in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("option", ["--smtp", "--admin"])
def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = failing(*ANY_PORT, option, address, "--data", tmp_path)
    assert code == 2
    assert address in said
    assert said.count("\n") == 1


def test_the_admin_api_never_leaves_the_machine(tmp_path: Path) -> None:
    code, said = failing(*ANY_PORT, "--admin", "0.0.0.0:0", "--data", tmp_path / "data")
    assert code == 2
    assert "loopback" in said
    assert not (tmp_path / "data").exists()


def test_the_demo_ends_with_its_parent_and_leaves_nothing(tmp_path: Path) -> None:
    with served("--demo", "--exit-with-parent") as (process, ready):
        assert ready["domains"]["local"] == ["acme.example", "lists.acme.example"]
        assert ready["world"]["partner.example"].startswith("127.0.0.1:")
        with client_of(ready) as client:
            client.starttls()
            client.login(ready["login"]["user"], ready["login"]["password"])
        assert Path(ready["data"]).exists()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(DEADLINE_S) == 0
    assert not Path(ready["data"]).exists()


def test_for_people_it_says_how_to_add_its_profile(tmp_path: Path) -> None:
    arguments = [
        argument for argument in command(*ANY_PORT, "--data", tmp_path) if argument != "--json"
    ]
    process = subprocess.Popen(
        [*arguments, "--exit-with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = [process.stderr.readline() for _ in range(3)]
    rest = process.communicate("", timeout=DEADLINE_S)
    assert "mail server on 127.0.0.1:" in said[0]
    assert str(tmp_path / "admin-token") in said[1]
    assert "smtpadmin servers add" in said[2]
    assert (rest, process.returncode) == (("", ""), 0)
