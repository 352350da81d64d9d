"""Messages accepted a second: the built-in server with its durable spool, beside others.

    python benchmarks/builtin_accept.py [--messages 2000] [--sessions 20] [--size 2048] [--rounds 3]

Beside it, on this machine and in this run, by the same client (``smtp-source`` of Postfix where it is
installed, else one of our own for all): bare aiosmtpd, which stores nothing; ``smtp-sink``, which
stores nothing either; and Postfix with a private configuration, which syncs each message to disk as
we do. The built-in server and Postfix put every message on hold, so that nobody delivers meanwhile.
Each figure is the best of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
DOMAIN = "bench.example"
READY_S = 20.0


# The servers, each as a process that listens on a port.


async def _run_builtin(port: int, folder: Path) -> None:
    from smtpadmin.builtin.config import ServerConfig
    from smtpadmin.builtin.server import MailServer

    config = ServerConfig(
        data=folder,
        smtp=(HOST, port),
        hostname=DOMAIN,
        local_domains={DOMAIN: None},
        hold_senders=("*",),
    )
    server = MailServer(config)
    await server.start()
    await asyncio.Event().wait()


async def _run_aiosmtpd(port: int, folder: Path) -> None:
    from aiosmtpd.smtp import SMTP

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            return "250 2.0.0 Ok"

    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(Handler(), hostname=DOMAIN, loop=loop), HOST, port)
    await asyncio.Event().wait()


OWN_SERVERS: dict[str, Callable[[int, Path], Any]] = {
    "builtin": _run_builtin,
    "aiosmtpd": _run_aiosmtpd,
}


@contextmanager
def own_server(name: str, port: int, folder: Path) -> Iterator[None]:
    command = [sys.executable, __file__, "--serve", name, "--port", str(port), "--data"]
    process = subprocess.Popen([*command, str(folder)])
    try:
        _wait_for(port)
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def smtp_sink(port: int, folder: Path) -> Iterator[None]:
    program = find("smtp-sink")
    assert program is not None
    command = [program, f"{HOST}:{port}", "512"]
    if os.geteuid() == 0:
        command[1:1] = ["-u", "nobody"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def postfix(port: int, folder: Path) -> Iterator[None]:
    etc = folder / "etc"
    for name in ("etc", "spool", "data", "log"):
        (folder / name).mkdir(parents=True)
    for path in (folder, folder.parent):
        path.chmod(0o755)  # Postfix's own user goes through here
    shutil.chown(folder / "data", "postfix")
    (etc / "main.cf").write_text(_MAIN_CF.format(folder=folder, domain=DOMAIN))
    (etc / "master.cf").write_text(_MASTER_CF.format(host=HOST, port=port))
    program = find("postfix")
    assert program is not None
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([program, "-c", str(etc), "start"], check=True, timeout=READY_S, **quiet)
    try:
        _wait_for(port)
        yield
    finally:
        subprocess.run([program, "-c", str(etc), "abort"], check=False, timeout=READY_S, **quiet)


_MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {domain}
mydestination =
relay_domains = {domain}
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
disable_dns_lookups = yes
default_process_limit = 100
smtpd_peername_lookup = no
smtpd_recipient_restrictions = check_recipient_access static:HOLD, permit_mynetworks, reject
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
"""
_MASTER_CF = """\
{host}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def _wait_for(port: int) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


def find(program: str) -> str | None:
    """A program of the path or of an administrator's path."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


# The client.


def load(port: int, asked: argparse.Namespace, *, reuse: bool) -> float:
    """Messages a second."""
    program = find("smtp-source")
    started = time.perf_counter()
    if program is None:
        _own_client(port, asked, reuse=reuse)
    else:
        command = [program, "-s", str(asked.sessions), "-m", str(asked.messages)]
        command += ["-l", str(asked.size), "-f", f"a@{DOMAIN}", "-t", f"b@{DOMAIN}"]
        command += ["-M", "client.example", *(["-d"] if reuse else []), f"{HOST}:{port}"]
        subprocess.run(command, check=True, timeout=300)
    return float(asked.messages / (time.perf_counter() - started))


def _own_client(port: int, asked: argparse.Namespace, *, reuse: bool) -> None:
    body = b"Subject: x\r\n\r\n" + (b"x" * 78 + b"\r\n") * (asked.size // 80) + b".\r\n"
    left = iter(range(asked.messages))

    def session() -> None:
        for _ in left:
            with socket.create_connection((HOST, port)) as connection:
                answers = connection.makefile("rb")
                _talk(connection, answers, b"", b"EHLO client.example\r\n")
                for _ in [0] if not reuse else (0, *left):
                    mail = f"MAIL FROM:<a@{DOMAIN}>\r\n".encode()
                    _talk(connection, answers, mail, f"RCPT TO:<b@{DOMAIN}>\r\n".encode())
                    _talk(connection, answers, b"DATA\r\n", body)
                _talk(connection, answers, b"QUIT\r\n")

    threads = [threading.Thread(target=session) for _ in range(asked.sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _talk(connection: socket.socket, answers: Any, *commands: bytes) -> None:
    for command in commands:
        connection.sendall(command)
        while (line := answers.readline())[3:4] == b"-":
            pass
        assert line[:1] in b"23", line


# The run.


def candidates() -> dict[str, Any]:
    """Name and how to start it, for what is installed here."""
    found: dict[str, Any] = {
        "smtpadmin built-in (durable spool)": lambda p, f: own_server("builtin", p, f),
        "aiosmtpd bare (stores nothing)": lambda p, f: own_server("aiosmtpd", p, f),
    }
    if find("smtp-sink"):
        found["smtp-sink (stores nothing)"] = smtp_sink
    if find("postfix") and os.geteuid() == 0:
        found["Postfix (queue file, synced)"] = postfix
    return found


def measure(asked: argparse.Namespace, *, reuse: bool) -> dict[str, float]:
    best: dict[str, float] = {}
    for name, start in candidates().items():
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            port = free_port()
            with start(port, Path(folder) / "server"):
                rates = [load(port, asked, reuse=reuse) for _ in range(asked.rounds)]
        best[name] = max(rates)
    return best


def report(title: str, rates: dict[str, float]) -> None:
    ours = next(iter(rates.values()))
    print(f"\n{title}")
    for name, rate in rates.items():
        print(f"  {name:38} {rate:8.0f} messages/s   ours is {ours / rate:5.2f} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", choices=OWN_SERVERS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(OWN_SERVERS[asked.serve](asked.port, asked.data))
        return
    client = find("smtp-source") or "our own client"
    print(f"{asked.messages} messages of {asked.size} octets, {asked.sessions} sessions, {client}")
    report("a connection for each message", measure(asked, reuse=False))
    report("connections kept", measure(asked, reuse=True))


if __name__ == "__main__":
    main()
