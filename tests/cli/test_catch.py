"""``smtpadmin catch`` as a program: one object a message, with its checks, and its sessions."""

from __future__ import annotations

import contextlib
import json
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MAIL = "From: a@x.example\r\nSubject: caught\r\n\r\nhello\r\n"


@contextlib.contextmanager
def catching(*arguments: object) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    command = [sys.executable, "-m", "smtpadmin", "catch", "--json", "--listen", "127.0.0.1:0"]
    with subprocess.Popen([*command, *map(str, arguments)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            if process.poll() is None:
                process.kill()


def send(ready: dict[str, Any], *recipients: str) -> dict[str, tuple[int, bytes]]:
    host, _, port = ready["listen"].rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=20) as client:
        return client.sendmail("a@x.example", recipients or ["b@y.example"], MAIL)


def objects(process: subprocess.Popen[bytes]) -> list[dict[str, Any]]:
    assert process.stdout is not None
    return [json.loads(line) for line in process.stdout]


def test_messages_with_checks_and_sessions_until_sigterm(tmp_path: Path) -> None:
    with catching("--sessions", "--save", tmp_path, "--rule", "rcpt recipient=no@*") as (
        process,
        ready,
    ):
        assert ready["kind"] == "ready"
        assert Path(ready["ca_file"]).exists()
        assert list(send(ready, "b@y.example", "no@y.example")) == ["no@y.example"]
        process.send_signal(signal.SIGTERM)
        message, session = objects(process)
        assert process.wait(20) == 0
    assert (message["kind"], message["recipients"], message["accepted"]) == (
        "message", ["b@y.example"], True)  # fmt: skip
    assert {check["name"]: check["result"] for check in message["checks"]}["date"] == "fail"
    assert session["messages"] == [message["message_id"]]
    assert session["rules"] == ["rcpt"]
    assert {"t_ms", "dir", "tls", "line"} == set(session["transcript"][0])
    assert [path.read_text() for path in tmp_path.glob("*.eml")] == [MAIL.replace("\r\n", "\n")]


def test_it_leaves_after_the_count() -> None:
    with catching("--count", 2) as (process, ready):
        for _ in range(2):
            send(ready)
        assert len(objects(process)) == 2
        assert process.wait(20) == 0


def test_it_leaves_after_a_time_and_nothing_came() -> None:
    with catching("--for", "1s") as (process, _):
        assert objects(process) == []
        assert process.wait(20) == 1


def test_rules_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text('[{"at": "dot", "reply": "554 5.7.1 no spam"}]')
    with catching("--rules", file, "--count", 1) as (process, ready):
        with pytest.raises(smtplib.SMTPDataError):
            send(ready)
        (message,) = objects(process)
    assert (message["accepted"], message["reply"]) == (False, "554 5.7.1 no spam")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--listen", "0.0.0.0:0"], 4, "others could reach"),
        (["--rule", "nowhere"], 2, "begins with one of"),
        (["--rules", "/nowhere/rules.json"], 2, "cannot be read"),
        (["--listen", "here"], 2, "not HOST:PORT"),
        (["--for", "soon"], 2, "not a duration"),
    ],
)
def test_what_does_not_fit_is_one_sentence(arguments: list[str], code: int, says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "smtpadmin", "catch", *arguments],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert says in done.stderr
    assert done.stdout == ""


def test_for_people_a_line_a_message_and_what_is_wrong_with_it() -> None:
    command = [
        sys.executable,
        "-m",
        "smtpadmin",
        "catch",
        "--listen",
        "127.0.0.1:0",
        "--count",
        "1",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        ready = {"listen": process.stderr.readline().split()[-1]}
        send(ready)
        said, _ = process.communicate(timeout=20)
    assert "<a@x.example> to b@y.example: caught" in said
    assert "fail: there is no Date." in said
