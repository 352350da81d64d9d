"""When sudo is needed, and what its refusals mean; the words are sudo's own where it is installed."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest

from smtpadmin.model.errors import NotPermittedError
from smtpadmin.transport.command import CommandResult
from smtpadmin.transport.privileges import Privileges, check_sudo, sudo_refused, sudoers_line
from tests.servers.sshd import account, sshd_running
from tests.support.programs import program


class Told:
    """Answers ``id -u`` and counts how often it was asked."""

    def __init__(self, uid: str, status: int = 0) -> None:
        self.answer = CommandResult(status, uid.encode(), b"")
        self.times = 0

    async def __call__(self, argv: Sequence[str], *, most: int) -> CommandResult:
        assert tuple(argv) == ("id", "-u")
        self.times += 1
        return self.answer


@pytest.mark.parametrize(
    ("uid", "status", "prefix", "needed"),
    [
        ("0\n", 0, (), False),
        ("1000\n", 0, (), True),
        ("0\n", 0, ("docker", "exec", "mail"), False),
        ("101\n", 0, ("docker", "exec", "mail"), True),
        ("", 1, ("sudo", "-n"), False),
        ("33\n", 0, ("sudo", "-u", "www-data"), False),
        ("", 127, (), True),
    ],
)
async def test_who_needs_sudo(uid: str, status: int, prefix: tuple[str, ...], needed: bool) -> None:
    told = Told(uid, status)
    privileges = Privileges(prefix)
    assert await privileges.need_sudo(told) is needed
    assert await privileges.need_sudo(told) is needed
    assert told.times == 1
    privileges.forget()
    await privileges.need_sudo(told)
    assert told.times == 2


def test_sudo_says_what_we_look_for() -> None:
    with (
        sshd_running() as sshd,
        account(sshd, sudoers="USER ALL=(root) PASSWD: /usr/bin/id") as user,
    ):
        sudo = program("sudo")
        for command in ("id", "true"):
            done = subprocess.run(
                [program("runuser"), "-u", user.name, "--", sudo, "-n", command],
                capture_output=True, env={"LC_ALL": "C"}, check=False,
            )  # fmt: skip
            result = CommandResult(done.returncode, done.stdout, done.stderr)
            assert sudo_refused(result), done.stderr
            with pytest.raises(NotPermittedError):
                check_sudo(result, where="here", user=user.name, commands=["/usr/bin/id"])


def test_a_command_that_fails_by_itself_is_no_refusal() -> None:
    assert not sudo_refused(CommandResult(1, b"", b"postsuper: fatal: usage"))
    assert not sudo_refused(CommandResult(0, b"", b"sudo: a password is required"))
    check_sudo(CommandResult(1, b"", b"x"), where="w", user="u", commands=["/usr/sbin/postsuper"])


def test_the_line_is_one_that_visudo_accepts() -> None:
    line = sudoers_line("mail admin", ["/usr/sbin/postsuper", "/usr/sbin/exim4 -Mrm a:b,c=d"])
    done = subprocess.run(
        [program("visudo"), "-cf", "-"],
        input=f"{line}\n".encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + line.encode()
