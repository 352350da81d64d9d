"""Name servers on loopback: a real one (NSD) with zones of our own, and one that says over UDP and
TCP exactly what it is told, however wrong."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import dns.exception
import dns.message
import dns.query
import pytest

from smtpadmin.model.dns import NameServer
from tests.support.odd_server import Talk, odd_server

HEAD = "$TTL 300\n@ SOA ns.mail.test. admin.mail.test. 1 3600 600 86400 60\n@ NS ns.mail.test.\n"
MAIL = """
@        MX 20 mx2
@        MX 10 MX1
@        MX 20 backup
@        TXT "v=spf1 mx -all"
ns       A 127.0.0.1
mx1      A 192.0.2.1
mx1      AAAA 2001:db8::1
mx2      A 192.0.2.2
backup   A 192.0.2.3
wrong    A 192.0.2.99
null     MX 0 .
both     MX 0 .
both     MX 10 mx1
nomx     A 192.0.2.7
bare     TXT "neither mail nor address"
literal  MX 10 192.0.2.9.
dangling MX 10 gone
dangling MX 20 bare
alias    CNAME mx1
aliased  MX 10 alias
chain    CNAME hop
hop      CNAME mail.test.
private  A 10.0.0.1
inside   MX 10 private
twice    MX 10 mx1
twice    MX 20 mx1
half     MX 10 broken.broken.test.
odd      MX 10 odd\\032name
xn--bcher-kva MX 10 mx1
_25._tcp.mx1 TLSA 3 1 1 0c72ac70b745ac19998811b131d662c9ac69dbdbe7cb23e5b514b56664c5d3d6
long     TXT "one " "two" "{0}" "\\255\\000"
big      TXT "{0}"
"""
REVERSE = """
1 PTR mx1.mail.test.
2 PTR wrong.mail.test.
3 PTR backup.mail.test.
5 PTR odd\\032name.mail.test.
7 PTR other.mail.test.
7 PTR nomx.mail.test.
"""
REVERSE_6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mx1.mail.test.\n"
BIG = 40
"""Texts of ``big.mail.test``: several kilobytes, far more than UDP may bring."""


def zones() -> dict[str, str]:
    """Zone -> its file. ``broken.test`` has none, so that NSD answers SERVFAIL."""
    big = "".join(f'big TXT "{n:02d}{"z" * 200}"\n' for n in range(BIG))
    return {
        "mail.test": HEAD + MAIL.format("x" * 255) + big,
        "2.0.192.in-addr.arpa": HEAD + REVERSE,
        "8.b.d.0.1.0.0.2.ip6.arpa": HEAD + REVERSE_6,
    }


def _program() -> str:
    found = shutil.which("nsd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is not None:
        return found
    if os.environ.get("CI"):
        pytest.fail("not installed: nsd")
    pytest.skip("not installed: nsd")


@contextmanager
def real_name_server(folder: Path) -> Iterator[NameServer]:
    """NSD, authoritative for :func:`zones`; it refuses every other name. Skips when missing."""
    program = _program()
    for _ in range(3):
        server = NameServer("127.0.0.1", _free_port())
        command = [program, "-d", "-c", str(_configured(folder, server))]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                if _answers(server, process):
                    yield server
                    return
            finally:
                process.terminate()
    raise AssertionError(f"nsd does not start: see {folder / 'nsd.log'}")


def _configured(folder: Path, server: NameServer) -> Path:
    lines = [
        "server:", f"ip-address: {server.address}@{server.port}", "server-count: 1",
        'username: ""', 'chroot: ""', 'database: ""', f'zonesdir: "{folder}"',
        f'pidfile: "{folder / "nsd.pid"}"', f'xfrdfile: "{folder / "xfrd.state"}"',
        f'zonelistfile: "{folder / "zone.list"}"', f'xfrdir: "{folder}"',
        f'logfile: "{folder / "nsd.log"}"', "rrl-ratelimit: 0",
        "remote-control:", "control-enable: no",
    ]  # fmt: skip
    for name, text in zones().items():
        (folder / f"{name}.zone").write_text(f"$ORIGIN {name}.\n{text}", "utf-8")
    for name in (*zones(), "broken.test"):
        lines += ["zone:", f"name: {name}", f'zonefile: "{name}.zone"']
    file = folder / "nsd.conf"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def _answers(server: NameServer, process: subprocess.Popen[bytes]) -> bool:
    question = dns.message.make_query("mail.test", "SOA")
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            dns.query.tcp(question, server.address, 0.5, server.port)
            dns.query.udp(question, server.address, 0.5, server.port)
        except (OSError, EOFError, dns.exception.DNSException):
            time.sleep(0.01)
        else:
            return True
    return False


def _free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Say = Callable[[bytes], bytes | Sequence[bytes] | None]
"""A query as it came -> the answer, several one after another, or silence."""


class Told(asyncio.DatagramProtocol):
    """``asked`` has the queries as they came."""

    def __init__(self, say: Say) -> None:
        self.asked: list[dns.message.Message] = []
        self.say = say

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked.append(dns.message.from_wire(data))
        for answer in self._answers(data):
            self._transport.sendto(answer, addr)

    def _answers(self, data: bytes) -> tuple[bytes, ...]:
        said = self.say(data)
        return (said,) if isinstance(said, bytes) else tuple(said or ())


@asynccontextmanager
async def told_name_server(
    say: Say, tcp: Talk | None = None
) -> AsyncIterator[tuple[NameServer, Told]]:
    """Says ``say`` over UDP and, when given, ``tcp`` on the same port."""
    if tcp is None:
        async with _udp(say, 0) as found:
            yield found
        return
    async with odd_server(tcp) as port, _udp(say, port) as found:
        yield found


@asynccontextmanager
async def _udp(say: Say, port: int) -> AsyncIterator[tuple[NameServer, Told]]:
    loop = asyncio.get_running_loop()
    transport, told = await loop.create_datagram_endpoint(lambda: Told(say), ("127.0.0.1", port))
    try:
        yield NameServer("127.0.0.1", transport.get_extra_info("sockname")[1]), told
    finally:
        transport.close()


def silence(query: bytes) -> None:
    """Never answers."""


def garbage(query: bytes) -> bytes:
    """Neither DNS nor anything else."""
    return b"220 mail.test ESMTP\r\n" + query[:4]


def answering(change: Callable[[dns.message.Message], None]) -> Callable[[bytes], bytes]:
    """A well-formed answer, after ``change`` has had its way with it."""

    def say(query: bytes) -> bytes:
        response = dns.message.make_response(dns.message.from_wire(query), recursion_available=True)
        change(response)
        return response.to_wire()

    return say


def coded(*codes: int) -> Callable[[bytes], bytes]:
    """An empty answer with the first code, the next time the next one; the last one for ever."""
    left = list(codes)

    def change(response: dns.message.Message) -> None:
        response.set_rcode(dns.rcode.Rcode(left.pop(0) if len(left) > 1 else left[0]))

    return answering(change)
