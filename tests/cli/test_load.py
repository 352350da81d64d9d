"""``smtpadmin load`` as a program."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

import pytest

from tests.support.catch import catching

COMMAND = [sys.executable, "-m", "smtpadmin", "load"]


async def load(*arguments: object, port: int | None = None) -> tuple[int, str, str]:
    where = ["--host", "127.0.0.1", "--port", str(port)] if port is not None else []
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *where, *map(str, arguments), "--to", "b@y.example",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, told = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode(), told.decode()


def objects(said: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.splitlines()]


async def test_a_result_with_every_figure() -> None:
    async with catching() as server:
        assert server.address is not None
        code, said, told = await load(
            *("--json", "--messages", 30, "--connections", 3, "--size", 500, "--recipients", 2),
            port=server.address[1],
        )
        assert len(server.store) == 30
    assert (code, told) == (0, "")
    result = objects(said)[-1]
    assert result["kind"] == "result"
    assert (result["accepted"], result["failed"], result["errors"]) == (30, 0, [])
    assert set(result["latency"]) == {"p50", "p95", "p99", "max", "mean"}
    assert result["latency"]["p99"] > 0


async def test_progress_and_a_table_for_people() -> None:
    async with catching('mail reply="450 4.7.1 later" times=2') as server:
        assert server.address is not None
        arguments = ("--messages", 30, "--rate", 20)
        code, said, told = await load(*arguments, port=server.address[1])
    assert code == 5
    assert "450 4.7.1 later" in said
    assert "of 30 accepted" in told


async def test_everything_refused_is_bad_news() -> None:
    async with catching("mail") as server:
        assert server.address is not None
        code, said, _ = await load("--json", "--messages", 3, port=server.address[1])
    assert code == 1
    assert objects(said)[-1]["errors"][0]["count"] == 3


async def test_sigint_stops_at_once_and_tells_the_figures() -> None:
    async with catching("dot delay=30s") as server:
        assert server.address is not None
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "--json", "--host", "127.0.0.1", "--port", str(server.address[1]),
            "--to", "b@y", "--messages", "50", stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        first = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        assert first["kind"] == "progress"
        process.send_signal(signal.SIGINT)
        said, _ = await asyncio.wait_for(process.communicate(), 10)
    assert objects(said.decode())[-1]["stopped"] is True
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--host", "192.0.2.1"], 4, "--i-own-this-server"),
        (["--host", "127.0.0.1", "--server", "x"], 2, "name one server"),
        (["--host", "127.0.0.1", "--connections", "0"], 2, "connections"),
        (["--host", "127.0.0.1", "--user", "u"], 2, "needs a password"),
    ],
)
async def test_what_is_not_permitted_or_does_not_fit(
    arguments: list[str], code: int, says: str
) -> None:
    found, said, told = await load(*arguments)
    assert (found, said) == (code, "")
    assert says in told


async def test_a_production_profile_is_refused_and_a_test_profile_is_not(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTPADMIN_SECRETS", f"vault:{tmp_path / 'vault'}")
    monkeypatch.setenv("SMTPADMIN_VAULT_PASSWORD", "vault password")
    async with catching() as server:
        assert server.address is not None
        for name, environment in (("prod", "production"), ("lab", "test")):
            process = await asyncio.create_subprocess_exec(
                *COMMAND[:-1], "servers", "add", name, "--kind", "smtp", "--host", "127.0.0.1",
                "--port", str(server.address[1]), "--tls", "none", "--environment", environment,
                "--safety", "free", "--no-probe", stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert await asyncio.wait_for(process.wait(), 30) == 0
        code, _, told = await load("--server", "prod", "--i-own-this-server")
        assert (code, "production server" in told) == (4, True)
        code, said, told = await load("--json", "--server", "lab", "--messages", 5)
        assert code == 0, told
    assert objects(said)[-1]["accepted"] == 5
