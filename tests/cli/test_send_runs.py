"""``smtpadmin send`` with recipes, swaks commands, repetition and saved transcripts; nothing secret in
any of what it leaves behind."""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.settings import paths
from tests.cli.test_send import FROM_TO, direct, run
from tests.support.odd_server import odd_server, script
from tests.support.recording_server import recording_server

PASSWORD = "correct horse battery staple"
FORMS = [
    PASSWORD,
    *(base64.b64encode(t.encode()).decode() for t in (PASSWORD, f"\0user\0{PASSWORD}")),
]


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> Any:
    def type_in() -> None:
        monkeypatch.setattr(
            sys, "stdin", io.TextIOWrapper(io.BytesIO(PASSWORD.encode() + b"\n"), "utf-8")
        )

    type_in()
    return type_in


@pytest.mark.parametrize("name", ["x.txt", "x.json", "x.html"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"])
async def test_a_transcript_is_saved_in_each_form(
    name: str, mechanism: str, tmp_path: Path, password: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    login = ("--user", "user", "--password-stdin", "--auth", mechanism)
    async with recording_server() as server:
        assert await run(*direct(server.port, *login, "--transcript", str(file), "--json")) == 0
    written = file.read_text("utf-8")
    assert "RCPT TO:" in written
    kept = (paths.state_dir() / "sent.jsonl").read_text("utf-8")
    captured = capsys.readouterr()
    for form in FORMS:
        assert form not in written + kept + captured.out + captured.err


async def test_a_recipe_is_saved_shared_and_sent(
    tmp_path: Path, password: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "test.json"
    more = ("--user", "user", "--auth", "PLAIN", "--subject", "n %N%", "--quit-after", "rcpt")
    async with recording_server() as server:
        assert await run(*direct(server.port, *more, "--save-recipe", str(file))) == 0
        assert server.wire == b""
        assert await run("--recipe", str(file), "--password-stdin", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["result"], found["stage"], found["stopped"]) == ("accepted", "rcpt", "rcpt")
    assert server.lines[-1] == "QUIT"
    assert not [form for form in FORMS if form in file.read_text("utf-8")]


async def test_swaks_in_and_out(capsys: pytest.CaptureFixture[str], password: Any) -> None:
    async with recording_server() as server:
        line = f"swaks -s 127.0.0.1:{server.port} -t c@d.example -f a@b.example -au user -ap '{PASSWORD}' -a PLAIN -q AUTH"
        assert await run("--swaks", line, "--as-swaks") == 0
        printed = capsys.readouterr()
        assert printed.out.startswith(
            f"swaks --server 127.0.0.1 --port {server.port} --from a@b.example"
        )
        assert PASSWORD not in printed.out + printed.err
        assert "the password was dropped" in printed.err
        assert await run("--swaks", line, "--password-stdin") == 0
    assert server.lines[-2:] == [f"AUTH PLAIN {FORMS[2]}", "QUIT"]


async def test_a_message_is_printed_and_nothing_sent(capfdbinary: Any) -> None:
    assert (
        await run("--host", "h.invalid", *FROM_TO, "--print-message", "--preset", "unsubscribe")
        == 0
    )
    out, _ = capfdbinary.readouterr()
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in out


async def test_again_and_again(capsys: pytest.CaptureFixture[str]) -> None:
    async with recording_server() as server:
        again = ("--times", "3", "--every", "0.01s", "--subject", "number %N% of %TIMES%", "--json")
        assert await run(*direct(server.port, *again)) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["result"] for one in objects] == ["accepted"] * 3
    assert len({one["message_id"] for one in objects}) == 3
    assert [line for line in server.lines if line.startswith("Subject")] == [
        f"Subject: number {n} of 3" for n in (1, 2, 3)
    ]
    assert len((paths.state_dir() / "sent.jsonl").read_text().splitlines()) == 3


async def test_some_that_failed_are_told_by_the_exit_code() -> None:
    seen: list[int] = []
    good = script(b"220 mx\r\n", b"250 mx\r\n", b"250 ok\r\n", b"250 ok\r\n", b"221 bye\r\n")

    async def talk(reader: Any, writer: Any) -> None:
        seen.append(1)
        await (good if len(seen) == 1 else script(b"554 no\r\n", b"221 bye\r\n"))(reader, writer)

    async with odd_server(talk) as port:
        assert await run(*direct(port, "--times", "2", "--quit-after", "rcpt", "--json")) == 5


async def test_eicar_is_in_no_transcript(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.json"
    async with recording_server() as server:
        assert (
            await run(
                *direct(server.port, "--payload", "eicar", "--transcript", str(file), "--json")
            )
            == 0
        )
    from smtpadmin.formats.scanner_payloads import payload

    _, octets = payload("eicar").attachment or ("", b"")
    needle = base64.b64encode(octets).decode()[:40]
    assert needle in bytes(server.wire).decode()
    kept = (paths.state_dir() / "sent.jsonl").read_text("utf-8")
    assert needle not in capsys.readouterr().out + file.read_text("utf-8") + kept


@pytest.mark.parametrize(
    "arguments",
    [
        ("--transcript", "x.pdf"),
        ("--every", "soon"),
        ("--recipe", "none.json"),
        ("--swaks", "swaks 'x"),
    ],
)
async def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert await run("--host", "h.invalid", *FROM_TO, *arguments) in (1, 2)


async def test_a_forgotten_sender_is_no_null_sender(capsys: pytest.CaptureFixture[str]) -> None:
    assert await run("--host", "h.invalid", "--to", "c@d.example") == 2
    assert "name the sender" in capsys.readouterr().err


async def test_words_of_the_envelope_are_sent_as_the_standard_spells_them() -> None:
    async with recording_server() as server:
        words = (
            "--dsn-ret",
            "hdrs",
            "--body-type",
            "8bitmime",
            "--dsn-envid",
            "a b",
            "--quit-after",
            "RCPT",
        )
        assert await run(*direct(server.port, *words, "--json")) == 0
    assert "MAIL FROM:<a@b.example> BODY=8BITMIME RET=HDRS ENVID=a+20b" in server.lines
