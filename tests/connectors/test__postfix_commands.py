from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.connectors._postfix_commands import PostfixCommands, failure, zone_of
from smtpadmin.model.errors import (
    NotPermittedError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    UnreachableError,
    UsageError,
)
from smtpadmin.model.profile import Profile
from smtpadmin.transport.command import CommandResult
from smtpadmin.transport.scripted import Answer, ScriptedRunner

MULTI = (
    b"-               -               y         /etc/postfix\n"
    b"postfix-out     mta             y         /srv/postfix-out\n"
)


def commands(runner: ScriptedRunner, instance: str = "") -> PostfixCommands:
    return PostfixCommands(runner, Profile("u", "mx1", "postfix", settings={"instance": instance}))


def test_the_main_instance_needs_no_directory() -> None:
    made = commands(ScriptedRunner({}))
    assert made.argv("postqueue", "-j") == ("postqueue", "-j")


def test_another_instance_is_named_by_c_and_for_sendmail_by_capital_c() -> None:
    made = commands(ScriptedRunner({}), "/etc/postfix-out")
    assert made.argv("postsuper", "-d", "-") == ("postsuper", "-c", "/etc/postfix-out", "-d", "-")
    assert made.argv("/usr/sbin/sendmail", "-oi") == (
        "/usr/sbin/sendmail", "-C", "/etc/postfix-out", "-oi",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["out", "postfix-out"])
async def test_a_name_is_looked_up_once(name: str) -> None:
    runner = ScriptedRunner({("postmulti", "-l"): Answer(MULTI), ("postqueue", "..."): Answer(b"")})
    made = commands(runner, name)
    for _ in range(2):
        await made.run("postqueue", "-j")
    assert [asked.argv for asked in runner.asked] == [
        ("postmulti", "-l"),
        ("postqueue", "-c", "/srv/postfix-out", "-j"),
        ("postqueue", "-c", "/srv/postfix-out", "-j"),
    ]


async def test_a_name_that_is_not_there() -> None:
    runner = ScriptedRunner({("postmulti", "-l"): Answer(MULTI)})
    with pytest.raises(UsageError, match="Instances here: postfix-out"):
        await commands(runner, "in").resolve()


@pytest.mark.parametrize("name", ["a b", "-c", "x;y", "$(reboot)", "é"])
def test_what_is_neither_a_name_nor_a_directory(name: str) -> None:
    if name == "-c":
        assert commands(ScriptedRunner({}), name).directory.startswith("/etc/postfix-")
        return
    with pytest.raises(UsageError):
        commands(ScriptedRunner({}), name)


async def test_settings_are_read_once() -> None:
    runner = ScriptedRunner(
        {("postconf", "..."): Answer(b"mail_version = 3.7.11\nrelayhost =\n", b"postconf: warning")}
    )
    made = commands(runner)
    assert made.known_settings == {}
    assert (await made.settings())["mail_version"] == "3.7.11"
    await made.settings()
    assert len(runner.asked) == 1
    await made.settings(fresh=True)
    assert len(runner.asked) == 2


DOWN = b"postqueue: fatal: Queue report unavailable - mail system is down (Connect to the Postfix showq service: Connection refused)\n"
DENIED = b"postqueue: fatal: User ops(1001) is not allowed to view the mail queue\n"
FOREIGN = (
    b"postqueue: error: unauthorized configuration directory name: /x\npostqueue: fatal: specify\n"
)


@pytest.mark.parametrize(
    ("status", "stderr", "kind", "words"),
    [
        (127, b"postqueue: not found\n", ProtocolError, "there is no command postqueue"),
        (69, DOWN, UnreachableError, "the mail system is down"),
        (69, b"postqueue: fatal: Cannot flush mail queue - mail system is down\n", UnreachableError, "postfix start"),
        (77, DENIED, NotPermittedError, "not allowed to view the mail queue"),
        (69, FOREIGN, NotPermittedError, "may not run"),
        (1, b"postsuper: fatal: use of this command is reserved for the superuser\n", NotPermittedError, "superuser"),
        (1, b"sudo: a password is required\n", NotPermittedError, "a password is required"),
        (1, b"postcat: fatal: open queue file A1B2C3D4: Permission denied\n", NotPermittedError, "Permission denied"),
        (75, b"postdrop: warning: mail_queue_enter: create file maildrop/1.2: No space left on device\n", ServerRefusedError, "disk is full"),
        (70, b"postqueue: fatal: something new\n", ServerRefusedError, "something new"),
        (-9, b"", ServerRefusedError, "exit status -9"),
    ],
)  # fmt: skip
def test_what_a_failure_means(
    status: int, stderr: bytes, kind: type[SmtpadminError], words: str
) -> None:
    error = failure(CommandResult(status, b"", stderr), "postqueue", "ssh mx1")
    assert type(error) is kind
    assert words in str(error)
    assert str(error).startswith("ssh mx1: ")


def test_the_remedy_is_what_the_caller_knows() -> None:
    result = CommandResult(1, b"", b"sudo: a password is required\n")
    assert failure(result, "postsuper", "x", remedy="Add this line.").remedy == "Add this line."


@given(st.integers(-64, 255), st.binary(max_size=300))
def test_any_failure_is_one_clear_sentence(status: int, stderr: bytes) -> None:
    error = failure(CommandResult(status, b"", stderr), "postqueue", "mx1")
    assert "\n" not in str(error)
    assert len(str(error)) < 1_000


@pytest.mark.parametrize(
    ("printed", "hours"), [(b"+0530\n", 5.5), (b"-0330\n", -3.5), (b"CET", 0), (b"", 0)]
)
def test_zones(printed: bytes, hours: float) -> None:
    assert zone_of(printed).utcoffset(None) == timedelta(hours=hours)
