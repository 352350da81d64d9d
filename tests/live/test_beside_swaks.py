"""The same test by swaks and by us, to the same server: the same octets on the wire.

The command that swaks runs is the one that "copy as swaks command" writes.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from smtpadmin.formats.swaks_command import swaks_command
from smtpadmin.model.recipe import FileRef, Letter, Recipe
from smtpadmin.model.smtp_plan import (
    Dialect,
    EnvelopePlan,
    LoginPlan,
    ProxyPlan,
    SendPlan,
    Stop,
    StopHow,
    StopPoint,
    Target,
    TlsPlan,
    TlsUse,
    TransferPlan,
    XclientPlan,
)
from smtpadmin.services.compose import Turn, compose
from smtpadmin.transport.smtp_run import Secrets, run_plan
from tests.support.programs import needed
from tests.support.recording_server import Recorded, recording_server

PASSWORD = "hunter2 secret"
TWO = Letter("a@b.example", ("c@d.example", "e@d.example"))
PLAN = SendPlan(helo="desk.example")
LOGIN = LoginPlan("user@example")
EVERYTHING = replace(
    PLAN,
    login=replace(LOGIN, mechanisms=("PLAIN",)),
    proxy=ProxyPlan(
        1, source="192.0.2.7", destination="192.0.2.1", source_port=40000, destination_port=25
    ),
    xclient=XclientPlan(("NAME=x",)),
)


async def by_swaks(recipe: Recipe) -> None:
    line, notes = swaks_command(recipe)
    assert notes == []
    arguments = shlex.split(line)[1:]
    if "--protect-prompt" in arguments:
        place = arguments.index("--protect-prompt")
        arguments[place : place + 1] = ["--auth-password", PASSWORD]
    process = await asyncio.create_subprocess_exec(
        needed("swaks"), *arguments, "--timeout", "8s",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(30):
        shown, _ = await process.communicate()
    assert "Can't locate" not in shown.decode(), shown.decode()


async def by_us(recipe: Recipe) -> None:
    envelope = compose(recipe.letter, Turn(datetime.now(UTC)))
    _, error = await run_plan(recipe.plan, envelope, Secrets(PASSWORD), total_s=10)
    assert error is None


async def both(recipe: Recipe, **server: object) -> tuple[Recorded, Recorded]:
    """What arrived from swaks, and from us."""
    needed("swaks")
    found = []
    for run in (by_swaks, by_us):
        async with recording_server(**server) as recorded:  # type: ignore[arg-type]
            target = replace(recipe.plan.target, host="127.0.0.1", port=recorded.port)
            here = replace(recipe, plan=replace(recipe.plan, target=target))
            if server.get("path"):
                here = replace(
                    recipe,
                    plan=replace(recipe.plan, target=Target(socket_path=str(server["path"]))),
                )
            await run(here)
        found.append(recorded)
    return found[0], found[1]


@pytest.fixture
def raw_letter(tmp_path: Path) -> Letter:
    (tmp_path / "mail.eml").write_bytes(
        b"From: a@b.example\r\nTo: c@d.example\r\nSubject: dots\r\n\r\n.\r\n..two\r\n.one\r\nlast\r\n"
    )
    return replace(TWO, raw_file=str(tmp_path / "mail.eml"))


@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        replace(PLAN, dialect=Dialect.SMTP),
        replace(PLAN, dialect=Dialect.LMTP),
        replace(PLAN, transfer=TransferPlan(pipelining=True)),
        replace(PLAN, envelope=EnvelopePlan(prdr=True)),
        replace(PLAN, xclient=XclientPlan(("ADDR=192.0.2.9 NAME=x.example",))),
        replace(PLAN, xclient=XclientPlan(("ADDR=192.0.2.9", "HELO=y"))),
        replace(PLAN, proxy=EVERYTHING.proxy),
        EVERYTHING,
    ],
    ids=[
        "ESMTP",
        "SMTP",
        "LMTP",
        "pipelining",
        "PRDR",
        "XCLIENT",
        "two XCLIENT",
        "PROXY 1",
        "everything",
    ],
)
async def test_the_whole_session_is_the_same(plan: SendPlan, raw_letter: Letter) -> None:
    theirs, ours = await both(Recipe(raw_letter, plan))
    assert session(ours) == session(theirs)
    assert "...two" in ours.lines


async def test_a_proxy_header_of_version_2(raw_letter: Letter) -> None:
    plan = replace(PLAN, proxy=replace(EVERYTHING.proxy, version=2))
    theirs, ours = await both(Recipe(raw_letter, plan), header=28)
    assert bytes(ours.wire)[:28] == bytes(theirs.wire)[:28]
    assert session(ours) == session(theirs)


def this_swaks_knows(word: str) -> None:
    """Debian's has not all that the manual of later ones has."""
    if word not in Path(needed("swaks")).read_text("utf-8", "replace"):
        pytest.skip(f"this swaks has no {word}")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "LOGIN-INITIAL", "CRAM-MD5"])
async def test_logins(mechanism: str, raw_letter: Letter) -> None:
    if mechanism == "LOGIN-INITIAL":
        this_swaks_knows(mechanism)
    plan = replace(PLAN, login=replace(LOGIN, mechanisms=(mechanism,)))
    theirs, ours = await both(Recipe(raw_letter, plan))
    assert session(ours) == session(theirs)


@pytest.mark.parametrize("point", list(StopPoint))
async def test_quit_after(point: StopPoint, raw_letter: Letter) -> None:
    if point in (StopPoint.TLS, StopPoint.DATA, StopPoint.DOT):
        return  # TLS: see below; swaks cannot QUIT after DATA or the dot
    if point is StopPoint.PROXY:
        this_swaks_knows("quit_after eq 'proxy'")
    plan = replace(EVERYTHING, stop=Stop(point))
    if point is StopPoint.EHLO:
        plan = replace(plan, xclient=XclientPlan())  # the EHLO after it is another stop point there
    theirs, ours = await both(Recipe(raw_letter, plan))
    assert session(ours) == session(theirs)
    assert "DATA" not in ours.lines


@pytest.mark.parametrize("how", [StopHow.DROP, StopHow.DROP_AFTER_SEND])
@pytest.mark.parametrize("point", [StopPoint.MAIL, StopPoint.RCPT, StopPoint.DATA, StopPoint.DOT])
async def test_drop_after(point: StopPoint, how: StopHow, raw_letter: Letter) -> None:
    theirs, ours = await both(Recipe(raw_letter, replace(PLAN, stop=Stop(point, how))))
    assert session(ours) == session(theirs)
    assert "QUIT" not in ours.lines


@pytest.mark.parametrize("use", [TlsUse.STARTTLS, TlsUse.IMPLICIT])
async def test_tls(use: TlsUse, raw_letter: Letter, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    plan = replace(PLAN, tls=TlsPlan(use, ca_file=str(tmp_path / "ca.pem")))
    recipe = Recipe(raw_letter, plan)
    theirs, ours = await both(recipe, tls=context, implicit=use is TlsUse.IMPLICIT)
    assert session(ours) == session(theirs)
    assert ("STARTTLS" in ours.lines) is (use is TlsUse.STARTTLS)


async def test_a_unix_socket(raw_letter: Letter, tmp_path: Path) -> None:
    theirs, ours = await both(Recipe(raw_letter, PLAN), path=str(tmp_path / "socket"))
    assert session(ours) == session(theirs)


async def test_a_local_address(raw_letter: Letter) -> None:
    plan = replace(PLAN, target=Target(source="127.0.0.9"))
    theirs, ours = await both(Recipe(raw_letter, plan))
    assert [peer[0] for peer in (*theirs.peers, *ours.peers)] == ["127.0.0.9"] * 2  # type: ignore[index]


def session(recorded: Recorded) -> list[str]:
    """The client's lines without the empty line that swaks puts at the end of every message."""
    lines = recorded.lines
    if "." in lines:
        end = len(lines) - 1 - lines[::-1].index(".")
        while end and lines[end - 1] == "":
            end -= 1
            del lines[end]
    return lines


def headers(recorded: Recorded) -> dict[str, str]:
    lines = recorded.lines
    start = lines.index("DATA") + 1
    head = lines[start : lines.index("", start)]
    return {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)
    }


async def test_a_composed_message(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("some data\n")
    letter = replace(
        TWO, subject="it's a test", text="one\ntwo", html="<b>hi</b>", headers=(("X-A", "1"),), replaced=(("From", "x@y.example"),),
        attachments=(FileRef(str(tmp_path / "data.txt"), "text/plain", "named.txt"),),
    )  # fmt: skip
    theirs, ours = await both(Recipe(letter, PLAN))
    for name in ("subject", "from", "x-a"):
        assert headers(ours)[name] == headers(theirs)[name]
    kinds = [
        sorted(set(re.findall(r"Content-Type: (text/\w+)", "\n".join(r.lines), re.I)))
        for r in (theirs, ours)
    ]
    assert kinds[0] == kinds[1] == ["text/html", "text/plain"]
    assert all("named.txt" in "\n".join(recorded.lines) for recorded in (theirs, ours))
