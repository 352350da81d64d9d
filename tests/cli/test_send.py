"""``smtpadmin send`` as it is typed: the documented object, its exit codes, and nothing secret."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from smtpadmin.cli import app
from smtpadmin.settings import paths
from tests.support.admin_server import running_server
from tests.support.odd_server import odd_server, script
from tests.support.smtp_server import PASSWORD, real_server

FIELDS = {
    "result", "stage", "reply", "queue_id", "message_id", "host", "address", "tls", "timings_ms",
    "recipients", "transcript", "trace",
}  # fmt: skip
FROM_TO = ("--from", "a@b.example", "--to", "c@d.example")


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with what is typed."""

    def type_in(octets: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets), "utf-8"))

    type_in(b"")
    return type_in


async def run(*arguments: str) -> int:
    """In a thread, as a process of its own would: the servers of the test run in this loop."""
    async with asyncio.timeout(30):
        return await asyncio.to_thread(app.run, ["send", *arguments])


def direct(port: int, *more: str, tls: str = "none") -> tuple[str, ...]:
    return ("--host", "127.0.0.1", "--port", str(port), "--tls", tls, *FROM_TO, *more)


async def test_the_object_is_as_documented(capsys: pytest.CaptureFixture[str]) -> None:
    async with real_server() as (port, handler):
        code = await run(*direct(port, "--to", "gone@d.example", "--json"))
    captured = capsys.readouterr()
    (found,) = map(json.loads, captured.out.splitlines())
    assert (code, captured.err) == (0, "")
    assert found.keys() >= FIELDS
    assert (found["result"], found["stage"], found["trace"]) == ("accepted", "dot", [])
    assert found["reply"] == {
        "code": 250, "enhanced": "2.0.0", "text": "2.0.0 Ok: queued as ABCDEF123456",
    }  # fmt: skip
    assert found["queue_id"] == "ABCDEF123456"
    assert (found["host"], found["address"]) == (f"127.0.0.1:{port}", f"127.0.0.1:{port}")
    assert [(r["address"], r["reply"]["code"]) for r in found["recipients"]] == [
        ("c@d.example", 250), ("gone@d.example", 550),
    ]  # fmt: skip
    assert all(line.keys() == {"t_ms", "dir", "tls", "line"} for line in found["transcript"])
    assert {line["dir"] for line in found["transcript"]} == {">", "<", "*"}
    assert set(found["timings_ms"]) >= {"resolve", "connect", "banner", "ehlo", "mail", "dot"}
    assert found["message_id"].encode() in handler.received[0][2]


async def test_for_people_the_dialogue_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    async with real_server() as (port, _):
        assert await run(*direct(port)) == 0
    captured = capsys.readouterr()
    assert "> MAIL FROM:<a@b.example>" in captured.out
    assert captured.err.startswith(
        f"smtpadmin: Accepted by 127.0.0.1:{port} as ABCDEF123456. The server has taken"
    )


async def test_a_login_and_the_history_without_the_password(
    stdin: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    login = ("--user", "user", "--password-stdin", "--auth", "login", "--json")
    async with real_server() as (port, _):
        stdin(PASSWORD.encode() + b"\n")
        assert await run(*direct(port, *login)) == 0
        stdin(b"wrong horse battery\n")
        assert await run(*direct(port, *login)) == 3
    captured = capsys.readouterr()
    good, bad = map(json.loads, captured.out.splitlines())
    assert (good["result"], bad["result"], bad["stage"]) == ("accepted", "refused", "auth")
    written = (paths.state_dir() / "sent.jsonl").read_text("utf-8")
    assert [json.loads(line)["result"]["result"] for line in written.splitlines()] == [
        "accepted", "refused",
    ]  # fmt: skip
    for secret in (PASSWORD, "wrong horse battery"):
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            assert form not in captured.out + captured.err + written


@pytest.mark.parametrize(
    ("replies", "code", "stage"),
    [
        ((b"554 5.7.1 go away\r\n",), 1, "banner"),
        ((b"220 mx\r\n", b"250 mx\r\n", b"550 5.7.1 no\r\n"), 1, "mail"),
        ((b"nonsense\r\n",), 3, "banner"),
        ((), 3, "banner"),
    ],
)
async def test_exit_codes(
    replies: tuple[bytes, ...], code: int, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with odd_server(script(*replies, hang=bool(replies))) as port:
        assert await run(*direct(port, "--timeout", "5", "--json")) == code
    assert json.loads(capsys.readouterr().out)["stage"] == stage


async def test_a_closed_port_and_a_server_that_hangs(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert await run(*direct(closed.getsockname()[1])) == 3
    assert "cannot connect (Connection refused)" in capsys.readouterr().err
    async with odd_server(script(b"", hang=True)) as port:
        assert await run(*direct(port, "--timeout", "0.2")) == 3
    assert "no answer within 0.2 s before its greeting" in capsys.readouterr().err


async def test_text_html_attachment_and_header_arrive(
    tmp_path: Path, stdin: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin("Grüße\n".encode())
    (tmp_path / "page.html").write_text("<p>hi</p>", "utf-8")
    (tmp_path / "data.bin").write_bytes(b"\x00\xff")
    async with real_server() as (port, handler):
        code = await run(
            *direct(port, "--subject", "Hä?", "--body-file", "-"),
            *("--html-file", str(tmp_path / "page.html"), "--attach", str(tmp_path / "data.bin")),
            *("--header", "X-Campaign: spring"),
        )
    assert code == 0
    raw = handler.received[0][2]
    assert b"X-Campaign: spring\r\n" in raw
    assert b'filename="data.bin"' in raw
    assert b"text/html" in raw
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (FROM_TO, "name one server"),
        (("--server", "a", "--host", "b", *FROM_TO), "name one server"),
        (("--host", "\udcff", *FROM_TO), "is not a host"),
        (("--host", "h", "--fingerprint", "abc", *FROM_TO), "64 hexadecimal digits"),
        (("--host", "h", "--header", "no colon", *FROM_TO), "is not a header"),
        (("--host", "h", "--header", "Subject: x", *FROM_TO), "set by smtpadmin itself"),
        (("--host", "h", "--header", "X-A: 1\r\nX-B: 2", *FROM_TO), "control characters"),
        (("--host", "h", "--attach", "no/such/file", *FROM_TO), "no/such/file: cannot be read"),
        (("--host", "h", "--body-file", "-", *FROM_TO), "is not UTF-8"),
        (("--host", "h", "--body-file", "-", "--html-file", "-", *FROM_TO), "standard input"),
        (("--host", "h", "--user", "u", *FROM_TO), "--password-stdin"),
        (("--host", "h", "--from", "nobody", "--to", "c@d.example"), "is not an address"),
        (("--host", "h", "--timeout", "0", *FROM_TO), "--timeout"),
        (("--server", "nobody", *FROM_TO), "nobody"),
    ],
)
async def test_wrong_usage_is_one_sentence_and_sends_nothing(
    arguments: tuple[str, ...], words: str, stdin: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin(b"caf\xe9")
    assert await run(*arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


async def test_an_untrusted_certificate_is_shown_with_its_fingerprint_which_can_be_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_server(tmp_path / "server") as running:
        port = running.server.smtp[1]
        to = ("--to", "ben@acme.example", "--from", "anna@acme.example")
        common = ("--host", "127.0.0.1", "--port", str(port), "--tls", "starttls", *to)
        assert await run(*common) == 3
        problem = capsys.readouterr().err
        fingerprint = problem.partition("SHA-256 is ")[2][:64]
        assert await run(*common, "--fingerprint", fingerprint.upper(), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tls"]["fingerprint"] == fingerprint
    assert found["tls"]["verified"] is False


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles that last from one command to the next."""
    monkeypatch.setenv("SMTPADMIN_SECRETS", f"vault:{tmp_path / 'vault'}")
    monkeypatch.setenv("SMTPADMIN_VAULT_PASSWORD", "vault password")


@pytest.mark.usefixtures("vault")
async def test_it_is_followed_through_a_server_that_has_a_profile(
    tmp_path: Path, stdin: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_server(tmp_path / "server") as running:
        host, port = running.api.address
        stdin(running.server.config.token_path.read_bytes())
        add = ("servers", "add", "mx1", "--kind", "builtin", "--admin", f"{host}:{port}")
        assert await asyncio.to_thread(app.run, [*add, "--password-stdin", "--json"]) == 0
        capsys.readouterr()
        to = ("--from", "anna@acme.example", "--to", "ben@acme.example", "--json", "--follow")
        smtp = ("--host", "127.0.0.1", "--port", str(running.server.smtp[1]), "--tls", "none")
        assert await run(*smtp, *to) == 0
    found = json.loads(capsys.readouterr().out)
    assert [message["status"] for message in found["trace"]] == ["delivered"]
    assert found["trace"][0]["queue_ids"] == [found["queue_id"]]
    assert found["trace"][0]["message_id"] == found["message_id"]


@pytest.mark.usefixtures("vault")
async def test_a_profile_of_a_relay_is_used_and_what_is_typed_counts_more(
    stdin: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async with real_server() as (port, _):
        stdin(PASSWORD.encode())
        add = ("servers", "add", "relay", "--kind", "smtp", "--host", "127.0.0.1", "--user", "user")
        more = ("--port", "9", "--tls", "none", "--password-stdin", "--no-probe", "--json")
        assert await asyncio.to_thread(app.run, [*add, *more]) == 0
        capsys.readouterr()
        stdin(b"")
        assert await run("--server", "relay", *FROM_TO, "--json") == 3
        assert json.loads(capsys.readouterr().out)["stage"] == "connect"
        assert await run("--server", "relay", "--port", str(port), *FROM_TO, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert "AUTH CRAM-MD5" not in str(found)
    assert "<redacted" in str(found["transcript"])
    assert PASSWORD not in str(found)


@pytest.mark.usefixtures("stdin")
async def test_an_outcome_is_kept_though_nothing_can_be_followed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with real_server() as (port, _):
        assert await run(*direct(port, "--follow", "--json")) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["result"] == "accepted"
    assert "it cannot be followed: there is no server yet" in captured.err
