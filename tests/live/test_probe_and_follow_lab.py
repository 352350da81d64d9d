"""A test message followed over real servers to its end: Postfix and Exim hand it to a second Postfix,
that one to Dovecot; delivered, put off, greylisted, bounced, refused and filtered.

Every case runs twice: through the service, and as ``send --follow --json`` in a process of its own
with profiles in a vault. Both give the same object, so each case is checked once.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from smtpadmin.cli.follow import as_record, exit_code
from smtpadmin.cli.output import plain
from smtpadmin.connectors.exim import EximServer
from smtpadmin.connectors.postfix import Postfix
from smtpadmin.formats.scanner_payloads import payload
from smtpadmin.model.follow import FollowStep
from smtpadmin.model.profile import Profile, TlsMode
from smtpadmin.model.recipe import Letter, Recipe
from smtpadmin.model.smtp import SubmissionEndpoint
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.services.probe_and_follow import MessageFollower
from smtpadmin.services.send_test import TestSender
from smtpadmin.services.send_test import as_record as as_send_record
from smtpadmin.transport.smtp_endpoint import plan_of
from smtpadmin.transport.smtp_run import Secrets
from smtpadmin.util.tasks import TaskOwner
from tests.servers.dovecot import USER
from tests.servers.relay_lab import GONE, GREY, NOBODY, RelayLab, running_relay_lab
from tests.servers.rspamd import ADD_HEADER
from tests.support.admin_server import running_server
from tests.support.zone_resolver import ZoneResolver

pytestmark = pytest.mark.live
PASSWORD = "Mispel-7731-quer"
VAULT_PASSWORD = "Tresor-4410-laut"
WRONG_PASSWORD = "Falsch-2290-leise"
ACCESS_TOKEN = "ya29.Kranich-5512-weit"
GTUBE = payload("gtube").line
SPF = {"local.example": [{"TXT": "v=spf1 ip4:127.0.0.1 -all"}]}
WAIT_S = 20.0


@dataclass(frozen=True)
class Sending:
    """What is sent where; ``mailbox`` is the user whose mailbox is looked into."""

    port: int
    to: str = USER
    text: str = "hello"
    mailbox: str = ""
    seconds: float = WAIT_S


class Service:
    """Through the service; the object is the command line's."""

    def __init__(self, lab: RelayLab) -> None:
        self._lab = lab

    async def __call__(
        self, sending: Sending, put_off: asyncio.Event | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Exit code and object; ``put_off`` is set when it tells that the message is deferred."""

        def see(step: FollowStep) -> None:
            if put_off is not None and step.status is DeliveryStatus.DEFERRED:
                put_off.set()

        sender = TestSender()
        login = (USER, PASSWORD) if sending.port == self._lab.edge.port else ("", "")
        endpoint = SubmissionEndpoint(
            "localhost", sending.port, TlsMode.STARTTLS if login[0] else TlsMode.NONE,
            login[0], ca_file=self._lab.dovecot.ca_file,
        )  # fmt: skip
        letter = Letter(USER, (sending.to,), subject="followed", text=sending.text)
        recipe = Recipe(letter, plan_of(endpoint))
        result, error = await sender.send_recipe(recipe, Secrets(login[1]))
        servers = self._servers()
        try:
            follower = MessageFollower(
                servers,
                mailbox=self._lab.dovecot.account(user=sending.mailbox)
                if sending.mailbox
                else None,
                resolver=ZoneResolver(SPF),
                emit=see,
            )
            report = await follower.follow(result, raw=sender.raw, seconds=sending.seconds)
        finally:
            for server in servers.values():
                await server.close()
        found = json.loads(json.dumps(plain(as_send_record(result) | as_record(report))))
        return (error.exit_code if error else exit_code(report)), found

    def _servers(self) -> dict[str, Any]:
        exim = self._lab.exim.profile()
        return {
            "ex1": EximServer(exim, {}),
            **{
                one.name: Postfix(
                    Profile(
                        one.name, one.name, "postfix",
                        settings={"access": "local", "instance": str(one.etc)},
                    ),
                    {},
                )
                for one in (self._lab.hub, self._lab.edge)
            },
        }  # fmt: skip


class Command:
    """As it is typed, with everything of the user's in ``home``."""

    def __init__(self, lab: RelayLab, home: Path) -> None:
        self._lab = lab
        self.home = home
        self.said: list[str] = []
        self.environment = {
            **os.environ, "SMTPADMIN_HOME": str(home), "SMTPADMIN_SECRETS": f"vault:{home / 'vault'}",
            "SMTPADMIN_VAULT_PASSWORD": VAULT_PASSWORD, "SMTPADMIN_MAILBOX_PASSWORD": PASSWORD,
        }  # fmt: skip

    async def run(
        self, *arguments: str, stdin: str = "", put_off: asyncio.Event | None = None
    ) -> tuple[int, str, str]:
        """One call; its output is kept in ``said``. ``put_off`` is set by a line that tells it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "smtpadmin", *arguments, env=self.environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(stdin.encode())
        process.stdin.close()
        try:
            async with asyncio.timeout(60):
                out, problem = await asyncio.gather(
                    process.stdout.read(), self._steps(process, put_off)
                )
                await process.wait()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        self.said += [out.decode(), problem.decode()]
        return process.returncode, out.decode(), problem.decode()

    async def _steps(
        self, process: asyncio.subprocess.Process, put_off: asyncio.Event | None
    ) -> bytes:
        said = b""
        assert process.stderr is not None
        async for line in process.stderr:
            said += line
            if put_off is not None and b" deferred" in line:
                put_off.set()
        return said

    async def add_profiles(self) -> None:
        """Those of the three relays."""
        exim = self._lab.exim
        own: dict[str, tuple[str, ...]] = {
            "ex1": ("exim", f"binary={exim.binary}", f"config={exim.config}"),
            "hub": ("postfix", f"instance={self._lab.hub.etc}"),
            "edge": ("postfix", f"instance={self._lab.edge.etc}"),
        }
        for name, (kind, *settings) in own.items():
            options = [word for setting in settings for word in ("--set", setting)]
            code, _, problem = await self.run(
                "servers", "add", name, "--kind", kind, "--environment", "test", "--json",
                "--set", "access=local", *options, "--no-probe",
            )  # fmt: skip
            assert code == 0, problem

    def arguments(self, sending: Sending) -> list[str]:
        """The command line of a sending."""
        line = ["send", "--host", "localhost", "--port", str(sending.port), "--from", USER,
                "--to", sending.to, "--body", sending.text, "--json", "--follow",
                "--follow-for", str(sending.seconds), "--ca-file", self._lab.dovecot.ca_file]  # fmt: skip
        if sending.port == self._lab.edge.port:
            line += ["--tls", "starttls", "--user", USER, "--password-stdin"]
        else:
            line += ["--tls", "none"]
        if sending.mailbox:
            user = sending.mailbox.replace("@", "%40")
            line += ["--mailbox", f"imaps://{user}@localhost:{self._lab.dovecot.ports['imaps']}"]
        return line

    async def __call__(
        self, sending: Sending, put_off: asyncio.Event | None = None
    ) -> tuple[int, dict[str, Any]]:
        code, out, problem = await self.run(
            *self.arguments(sending), stdin=PASSWORD + "\n", put_off=put_off
        )
        assert out, problem
        (found,) = map(json.loads, out.splitlines())
        return code, found


Face = Service | Command


@pytest.fixture(scope="module")
def lab() -> Iterator[RelayLab]:
    with running_relay_lab(PASSWORD) as running:
        yield running


@pytest.fixture(scope="module")
def command(lab: RelayLab, tmp_path_factory: pytest.TempPathFactory) -> Command:
    made = Command(lab, tmp_path_factory.mktemp("home"))
    asyncio.run(made.add_profiles())
    return made


@pytest.fixture(params=["service", "command"])
def face(request: pytest.FixtureRequest, lab: RelayLab) -> Face:
    return Service(lab) if request.param == "service" else request.getfixturevalue("command")


# What the cases look at.


def steps(found: dict[str, Any], **wanted: Any) -> list[dict[str, Any]]:
    """Those with these values."""
    return [s for s in found["follow"]["steps"] if all(s[k] == v for k, v in wanted.items())]


def states(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Server and status in the order told, without what is only on its way."""
    told = ((s["server"], s["status"]) for s in steps(found, kind="state"))
    return [one for one in told if one[1] != "queued"]


def tracked(found: dict[str, Any], server: str) -> dict[str, Any]:
    """The message as one server has it."""
    (one,) = (m for m in found["trace"] if m["legs"][0]["server"] == server)
    return dict(one)


@asynccontextmanager
async def followed_until_put_off(
    face: Face, sending: Sending
) -> AsyncIterator[asyncio.Task[tuple[int, dict[str, Any]]]]:
    """The block begins when the message is told to be deferred, and it is still being followed."""
    put_off = asyncio.Event()
    owner = TaskOwner("following")
    try:
        following = owner.spawn("face", face(sending, put_off))
        assert following is not None
        following.add_done_callback(lambda _: put_off.set())  # an end without it is told by it
        async with asyncio.timeout(WAIT_S):
            await put_off.wait()
        yield following
    finally:
        await owner.close()


# Delivered.


@pytest.mark.parametrize("first", ["edge", "ex1"])
async def test_delivered_over_two_relays(lab: RelayLab, face: Face, first: str) -> None:
    port = lab.edge.port if first == "edge" else lab.exim.port
    code, found = await face(Sending(port, mailbox=USER))
    assert (code, found["result"], found["follow"]["failures"]) == (0, "accepted", {})
    assert (found["follow"]["status"], found["follow"]["ended"]) == ("delivered", True)
    assert sorted(states(found)) == sorted([(first, "sent"), ("hub", "delivered")])
    assert [one["legs"][0]["server"] for one in found["trace"]] == [first, "hub"]
    here, there = tracked(found, first), tracked(found, "hub")
    assert here["queue_ids"] == [found["queue_id"]]
    (handed,), (stored,) = here["recipients"], there["recipients"]
    assert there["queue_ids"][0] in handed["reply"]
    # Exim logs no port of the next hop, unless log_selector has +outgoing_port
    assert handed["relay"].startswith("127.0.0.1")
    assert first == "ex1" or str(lab.hub.port) in handed["relay"]
    assert str(lab.dovecot.ports["lmtp"]) in stored["relay"]
    for one in (handed, stored):
        assert (one["address"], one["dsn"]) == (USER, "2.0.0")
    assert 0 <= stored["delay"] < WAIT_S
    assert first == "ex1" or 0 <= handed["delay"] < WAIT_S  # Exim: log_selector +queue_time
    arrival = found["follow"]["arrival"]
    assert (arrival["folder"], arrival["is_junk"]) == ("INBOX", False)
    assert 0 <= arrival["after_s"] < WAIT_S
    host = "edge.local.example" if first == "edge" else "ex1.lab.test"
    assert [hop["by"] for hop in arrival["hops"]][:2] == [host, "hub.local.example"]
    assert [hop["queue_id"] for hop in arrival["hops"]][:2] == [
        found["queue_id"],
        there["queue_ids"][0],
    ]
    assert arrival["changes"]["body"] == "same"
    assert {one["name"] for one in arrival["changes"]["added"]} >= {"Received", "Return-Path"}
    checks = arrival["authentication"]
    assert checks is not None or arrival["unchecked"]
    if isinstance(face, Service):  # the other one asks the name servers that this machine has
        assert (checks["spf"]["result"], checks["dmarc"]["result"]) == ("pass", "none")


# Put off.


async def test_deferred_and_no_next_try_is_said(lab: RelayLab, face: Face) -> None:
    lab.hub.stop()
    try:
        code, found = await face(Sending(lab.edge.port, mailbox=USER, seconds=4))
    finally:
        lab.hub.start()
        lab.edge.empty()
    assert (code, found["result"]) == (1, "accepted")
    assert (found["follow"]["status"], found["follow"]["ended"]) == ("deferred", False)
    (told,) = steps(found, kind="state", status="deferred")
    assert "Connection refused" in told["words"]
    assert told["next_try"] is None
    assert told["explanation"]["reason"] == "network"
    assert found["follow"]["arrival"] is None


async def test_deferred_and_delivered_when_the_next_hop_is_there_again(
    lab: RelayLab, face: Face
) -> None:
    lab.hub.stop()
    sending = Sending(lab.edge.port, mailbox=USER, seconds=40)
    try:
        async with followed_until_put_off(face, sending) as following:
            await asyncio.to_thread(lab.hub.start)
            lab.flush()
            code, found = await following
    finally:
        lab.hub.start()
    assert (code, found["follow"]["status"], found["follow"]["ended"]) == (0, "delivered", True)
    assert states(found)[0] == ("edge", "deferred")
    assert sorted(states(found)[1:]) == [("edge", "sent"), ("hub", "delivered")]
    assert tracked(found, "edge")["recipients"][0]["attempts"] == 2
    assert found["follow"]["arrival"]["folder"] == "INBOX"


async def test_greylisted_then_delivered(lab: RelayLab, face: Face) -> None:
    lab.greylisting.forget()
    sending = Sending(lab.edge.port, GREY, mailbox=GREY, seconds=40)
    async with followed_until_put_off(face, sending) as following:
        lab.flush()
        code, found = await following
    assert (code, found["follow"]["status"]) == (0, "delivered")
    (put_off,) = steps(found, kind="state", server="edge", status="deferred")
    assert "450 4.7.1" in put_off["words"]
    assert put_off["explanation"]["reason"] == "greylisted"
    assert sorted(states(found)[1:]) == [("edge", "sent"), ("hub", "delivered")]
    assert found["follow"]["arrival"]["folder"] == "INBOX"


# Bounced.


@pytest.mark.parametrize(("to", "where"), [(NOBODY, "edge"), (GONE, "hub")])
async def test_bounced_and_the_bounce_is_read_in_the_senders_mailbox(
    lab: RelayLab, face: Face, to: str, where: str
) -> None:
    """The second relay refuses the one at RCPT, so the first bounces; it takes the other, and the
    mailbox server refuses that one."""
    started = time.monotonic()
    code, found = await face(Sending(lab.edge.port, to, mailbox=USER))
    assert time.monotonic() - started < WAIT_S
    assert (code, found["result"]) == (1, "accepted")
    assert (found["follow"]["status"], found["follow"]["ended"]) == ("bounced", True)
    (told,) = steps(found, kind="state", status="bounced")
    assert (told["server"], told["recipient"]) == (where, to)
    assert "550 5.1.1" in told["words"]
    assert told["explanation"]["reason"] == "no-such-user"
    bounced = tracked(found, where)
    assert [leg["kind"] for leg in bounced["legs"]] == ["accepted", "notification"]
    (note,) = [s for s in steps(found, kind="notification") if s["explanation"]]
    said = note["explanation"]
    assert (said["kind"], said["message_id"]) == ("dsn", found["message_id"])
    assert [(r["address"], r["status"]) for r in said["recipients"]] == [(to, "5.1.1")]
    assert said["who_acts"] == "sender"


# Filtered.


async def test_gtube_is_refused_when_it_is_handed_in(lab: RelayLab, face: Face) -> None:
    code, found = await face(Sending(lab.filtered, text=GTUBE))
    assert (code, found["result"], found["stage"]) == (1, "refused", "dot")
    assert (found["reply"]["code"], found["reply"]["enhanced"]) == (554, "5.7.1")
    assert (found["trace"], found["follow"]["steps"]) == ([], [])


async def test_gtube_is_refused_by_the_second_relay(lab: RelayLab, face: Face) -> None:
    """So does the bounce with the pattern in it: it never arrives, and that is said."""
    code, found = await face(Sending(lab.edge.port, text=GTUBE, mailbox=USER, seconds=5))
    assert (code, found["follow"]["status"], found["follow"]["ended"]) == (1, "bounced", True)
    (told,) = steps(found, kind="state", status="bounced")
    assert told["server"] == "edge"
    assert "Gtube pattern" in told["words"]
    assert told["explanation"]["reason"] == "spam"
    assert ("hub", "rejected") in states(found)
    (missing,) = steps(found, kind="not-arrived")
    assert "no bounce" in missing["words"]


async def test_gtube_is_quarantined(lab: RelayLab, face: Face) -> None:
    code, found = await face(Sending(lab.guarded, text=GTUBE, seconds=4))
    lab.edge.empty()
    assert (code, found["follow"]["status"], found["follow"]["ended"]) == (1, "held", False)
    (told,) = steps(found, kind="state", status="held")
    assert "HOLD" in told["words"]
    assert told["explanation"] is None


async def test_what_is_marked_lies_in_junk(lab: RelayLab, face: Face) -> None:
    code, found = await face(Sending(lab.edge.port, text=ADD_HEADER, mailbox=USER))
    assert (code, found["follow"]["status"]) == (0, "delivered")
    arrival = found["follow"]["arrival"]
    assert (arrival["folder"], arrival["is_junk"]) == ("Junk", True)
    assert "X-Spam" in {one["name"] for one in arrival["changes"]["added"]}


# Tracked afterwards, by the same servers' logs.


async def test_one_object_over_servers_that_share_a_computer(
    lab: RelayLab, command: Command
) -> None:
    """All relays are 127.0.0.1: which of them took it is told by the log that knows the queue ID."""
    for port, first in ((lab.edge.port, "edge"), (lab.exim.port, "ex1")):
        _, found = await command(Sending(port))
        code, out, problem = await command.run(
            "track", "--all", "--message-id", found["message_id"], "--json"
        )
        assert code == 0, problem
        (message,) = map(json.loads, out.splitlines())
        assert message["status"] == "delivered"
        assert [(leg["server"], leg["kind"]) for leg in message["legs"]] == [
            (first, "accepted"), ("hub", "relayed"),
        ]  # fmt: skip
        assert message["legs"][1]["parent"] == found["queue_id"]


# Nothing secret is left anywhere.


def forms(secret: str) -> list[bytes]:
    """How it could show: as it is, escaped, in hexadecimal, and inside any Base64."""
    octets = secret.encode()
    found = [octets, quote(secret).encode(), octets.hex().encode(), octets.hex().upper().encode()]
    for before in range(3):
        coded = b64encode(b"\0" * before + octets)
        found.append(coded[-(-before * 8 // 6) : len(coded) - 4 if coded.endswith(b"=") else None])
    return found


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_every_base64_is_looked_into(before: str) -> None:
    for secret in (PASSWORD, VAULT_PASSWORD, ACCESS_TOKEN):
        coded = b64encode(f"{before}{secret}and more".encode())
        assert any(form in coded for form in forms(secret))


async def watch_commands(seen: set[bytes]) -> None:
    """As ``ps`` would: the arguments of every process, again and again."""
    while True:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                seen.add(entry.read_bytes())
        await asyncio.sleep(0.01)


async def test_no_secret_is_left_in_any_file_output_or_argument(
    lab: RelayLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole run: profiles with secrets, logins that work and fail, every export, all followed."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    one, seen = Command(lab, tmp_path / "home"), set[bytes]()
    owner = TaskOwner("watching")
    owner.spawn("commands", watch_commands(seen))
    try:
        async with running_server(tmp_path / "server") as builtin:
            token = builtin.server.config.token_path.read_text("ascii").strip()
            await one.add_profiles()
            await run_with_secrets(one, lab, builtin.api.address, token, tmp_path)
    finally:
        await owner.close()
    assert any(b"--follow" in line and b"smtpadmin" in line for line in seen)
    places = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    del places[str(builtin.server.config.token_path)]  # the server's own, for its owner only
    assert {Path(name).suffix for name in places} >= {".jsonl", ".html", ".txt", ".json", ".recipe"}
    places |= {"output": "".join(one.said).encode(), "arguments": b"\n".join(seen)}
    places |= {str(log): log.read_bytes() for log in (lab.edge.log, lab.hub.log, lab.exim.log())}
    secrets = (PASSWORD, VAULT_PASSWORD, WRONG_PASSWORD, ACCESS_TOKEN, token)
    found = [
        (name, form)
        for name, octets in places.items()
        for secret in secrets
        for form in forms(secret)
        if form in octets
    ]
    assert found == []


async def run_with_secrets(
    one: Command, lab: RelayLab, admin: tuple[str, int], token: str, folder: Path
) -> None:
    """Every way in which a secret is given, and every file that is written beside."""
    host, port = admin
    add = ("servers", "add", "--environment", "test", "--json", "--password-stdin")
    relay = ("--kind", "smtp", "--host", "localhost", "--port", str(lab.edge.port), "--user", USER)
    results = [
        await one.run(*add, "own", "--kind", "builtin", "--admin", f"{host}:{port}", stdin=token),
        await one.run(*add, "relay", *relay, "--no-probe", stdin=PASSWORD),
        await one.run("servers", "export", "--out", str(folder / "profiles.json")),
        await one.run("servers", "list", "--json"),
    ]
    assert [code for code, _, _ in results] == [0, 0, 0, 0], results
    typed = one.arguments(Sending(lab.edge.port, mailbox=USER))
    ways = [
        (0, PASSWORD, ["--transcript", str(folder / "sent.html")]),
        (3, WRONG_PASSWORD, ["--transcript", str(folder / "sent.txt"), "--auth", "LOGIN"]),
        (3, ACCESS_TOKEN, ["--transcript", str(folder / "sent.json"), "--auth", "XOAUTH2"]),
        (0, PASSWORD, ["--save-recipe", str(folder / "saved.recipe"), "--as-swaks"]),
    ]
    for expected, secret, more in ways:
        code, _, problem = await one.run("--debug", *typed, *more, stdin=secret + "\n")
        assert code == expected, problem
    known = ["send", "--server", "relay", "--ca-file", lab.dovecot.ca_file, "--from", USER]
    code, out, problem = await one.run(*known, "--to", NOBODY, "--follow", "--follow-for", "20")
    assert code == 1, problem
    assert "AUTH" in out
    assert "redacted" in out
