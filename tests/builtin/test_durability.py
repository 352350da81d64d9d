"""``kill -9`` at any moment: nothing acknowledged is lost, nothing lies twice in a mailbox.

The real program is started, driven from several connections, killed at random moments and started
again on the same spool, fifty times.
"""

from __future__ import annotations

import contextlib
import email
import json
import os
import random
import smtplib
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import pytest

KILLS = 50
SENDERS = 4
SEED = 20_240
LOCAL = "local.example"
DEAD = "dead.example"
READY_S = 20.0
DRAIN_S = 30.0


class Program:
    """The server as a process; ``port`` is where it listens now."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = 0
        self._errors = (data.parent / "stderr.txt").open("ab")
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "smtpadmin", "serve", "--json", "--data", str(self.data)]
        command += ["--smtp", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--hostname", "mx.example"]
        command += ["--domain", LOCAL, "--route", f"{DEAD}=127.0.0.1:1", "--retry", "1h"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        assert self._process.stdout is not None
        killer = threading.Timer(READY_S, self._process.kill)
        killer.start()
        ready = self._process.stdout.readline()
        killer.cancel()
        assert ready, (self.data.parent / "stderr.txt").read_text()
        self.port = int(json.loads(ready)["smtp"].rpartition(":")[2])

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._end()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._end()

    def _end(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        code = self._process.wait(20)
        self._process.stdout.close()
        return code

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._errors.close()


@dataclass
class Load:
    """Several clients that send until they are told to stop; keeps what was acknowledged."""

    program: Program
    acknowledged: dict[str, tuple[str, ...]] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    bugs: list[Exception] = field(default_factory=list)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._client, args=(n,)) for n in range(SENDERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join(30)

    def _client(self, number: int) -> None:
        count = 0
        while not self.over.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", self.program.port, timeout=5) as client:
                    while not self.over.is_set():
                        count += 1
                        self._send(client, f"<{number}.{count}@load.example>", count)
            except (smtplib.SMTPServerDisconnected, OSError):
                self.over.wait(0.02)
            except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
                self.bugs.append(error)
                return

    def _send(self, client: smtplib.SMTP, message_id: str, count: int) -> None:
        recipients = [f"box{count % 5}@{LOCAL}"]
        if count % 3 == 0:
            recipients.append(f"box{(count + 1) % 5}@{LOCAL}")
        if count % 4 == 0:
            recipients.append(f"nobody@{DEAD}")
        message = EmailMessage()
        message["From"], message["Message-ID"] = "load@load.example", message_id
        message.set_content("x" * (200 if count % 10 else 100_000))
        refused = client.sendmail("load@load.example", recipients, message.as_bytes())
        assert not refused
        self.acknowledged[message_id] = tuple(recipients)


def in_mailboxes(data: Path) -> Counter[tuple[str, str]]:
    """How often each (Message-ID, recipient) lies in a mailbox."""
    found: Counter[tuple[str, str]] = Counter()
    for file in (data / "mailboxes" / LOCAL).glob("*/new/*"):
        with file.open("rb") as opened:
            message = email.message_from_binary_file(opened)
        found[message["Message-ID"], message["Delivered-To"]] += 1
    return found


def waiting(data: Path) -> set[tuple[str, str]]:
    """(Message-ID, recipient) of all that the queue still has to deliver."""
    with contextlib.closing(sqlite3.connect(data / "spool.db", timeout=10)) as spool:
        return set(
            spool.execute(
                "SELECT message_id, address FROM message JOIN recipient USING (queue_id)"
                " WHERE recipient.state = 'waiting'"
            )
        )


@pytest.mark.timeout(300)
def test_kill_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    program = Program(tmp_path / "data")
    load = Load(program)
    kills = int(os.environ.get("SMTPADMIN_TEST_KILLS", KILLS))
    try:
        program.start()
        with load.running():
            for _ in range(kills):
                time.sleep(chance.uniform(0.02, 0.6))
                program.kill()
                program.start()
        until = time.monotonic() + DRAIN_S
        while any(address.endswith(LOCAL) for _, address in waiting(program.data)):
            assert time.monotonic() < until, "the queue did not drain"
            time.sleep(0.1)
        assert program.stop() == 0
    finally:
        program.close()
    assert not load.bugs
    assert "Traceback" not in (tmp_path / "stderr.txt").read_text()
    delivered, queued = in_mailboxes(program.data), waiting(program.data)
    promised = {(m, address) for m, who in load.acknowledged.items() for address in who}
    assert len(promised) > kills
    assert promised - set(delivered) - queued == set(), "acknowledged, and lost"
    assert [copy for copy, times in delivered.items() if times > 1] == [], "delivered twice"
    assert set(delivered) & queued == set(), "delivered, and still to be delivered"
    print(f"{kills} kills, {len(load.acknowledged)} messages acknowledged, none lost, none doubled")
