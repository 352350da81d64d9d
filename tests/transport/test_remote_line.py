"""The line, really run by shells: every argument arrives as it was, nothing else happens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.transport.group_mark import GROUP_MARK
from smtpadmin.transport.remote_line import (
    MOST_LINE,
    SHELL_LINE,
    changes_user,
    parse_prefix,
    remote_line,
    shell_script,
    whole_command,
)

SHELLS = [
    name for name in ("sh", "bash", "dash", "zsh", "ksh", "fish", "tcsh") if shutil.which(name)
]
ECHO = [
    sys.executable,
    "-S",
    "-c",
    r"import os,sys;os.write(1,b'\0'.join(map(os.fsencode,sys.argv[1:])))",
]
octets = st.binary(max_size=20).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"")))
words = st.one_of(
    octets, st.text(st.sampled_from("ab '\"\\$`!*?~#&;|<>(){}[]\n\r\t%-=^é"), max_size=12)
)
WORST = ["a\\", "; echo pwned #", "\\'", "it's", "!!", "$(id)", "`id`", "\n", "-n", "%s", "\\0101", "", "~", "{a,b}"]  # fmt: skip


MARK = re.compile(re.escape(GROUP_MARK) + rb"[0-9]+\n")


def own(output: bytes) -> bytes:
    """What the command itself said."""
    found = MARK.match(output)
    assert found is not None
    return output[found.end() :]


def run(shell: str, line: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([shell, "-c", line], capture_output=True, timeout=20, check=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(words, min_size=1, max_size=6))
def test_arguments_arrive_as_they_are(argv: list[str]) -> None:
    line = remote_line([*ECHO, *argv])
    for shell in ("sh", "bash"):
        assert own(run(shell, line).stdout).split(b"\0") == [os.fsencode(word) for word in argv]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_reads_it_alike(shell: str) -> None:
    for argv in (WORST, ["plain", "words"], [*WORST, *reversed(WORST)]):
        done = run(shell, remote_line([*ECHO, *argv]))
        assert own(done.stdout).split(b"\0") == [os.fsencode(word) for word in argv]


@given(st.lists(words, min_size=1, max_size=6))
def test_what_the_login_shell_reads_holds_nothing_that_shells_read_differently(
    argv: list[str],
) -> None:
    line = remote_line(argv)
    assert line.isascii()
    assert not any(octet in line for octet in (b"\n", b"!", b"\\'", b"\\\\"))


def test_the_process_group_is_told_first() -> None:
    done = subprocess.run(
        ["sh", "-c", remote_line(["sh", "-c", "echo $$; echo err >&2"])],
        capture_output=True, check=False, start_new_session=True,
    )  # fmt: skip
    group = own(done.stdout)
    assert done.stdout == GROUP_MARK + group + group
    assert done.stderr == GROUP_MARK + group + b"err\n"


def in_shell(*commands: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Give a standing shell several commands."""
    script = b"".join(shell_script(argv, b"TOKEN%d" % n) for n, argv in enumerate(commands))
    return subprocess.run(
        ["bash", "-c", SHELL_LINE], input=script, capture_output=True, timeout=60, check=False
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(words, min_size=1, max_size=6))
def test_a_standing_shell_passes_arguments_as_they_are(argv: list[str]) -> None:
    done = in_shell([*ECHO, *argv], ["echo", "next"])
    joined = b"\0".join(os.fsencode(word) for word in argv)
    assert own(done.stdout) == joined + b"TOKEN0 0\nnext\nTOKEN1 0\n"
    assert own(done.stderr) == b"TOKEN0\nTOKEN1\n"


def test_no_command_changes_the_standing_shell() -> None:
    done = in_shell(["cd", "/"], ["exit", "3"], ["exec", "true"], ["kill", "-9", "0x"], ["cat"],
                    ["sh", "-c", "kill -TERM $$"], ["A=b", "env"], ["pwd"])  # fmt: skip
    ends = re.findall(rb"TOKEN(\d) (\d+)\n", done.stdout)
    assert [int(number) for number, _ in ends] == list(range(8))
    assert [int(status) for _, status in ends] == [127, 127, 127, 1, 0, 143, 127, 0]


def test_locale_and_path() -> None:
    said = own(run("bash", remote_line(["env"])).stdout).decode().splitlines()
    assert "LC_ALL=C" in said
    assert any(line.startswith("PATH=") and "/usr/sbin" in line for line in said)


def test_what_is_too_long_for_one_argument_is_refused() -> None:
    for make in (remote_line, lambda argv: shell_script(argv, b"TOKEN")):
        with pytest.raises(UsageError, match="too long"):
            make(["echo", "x" * (MOST_LINE + 1)])


def test_what_stands_before_a_command() -> None:
    assert whole_command(["id"], ["nice"], sudo=True) == ["nice", "sudo", "-n", "id"]
    inside = whole_command(["id"], ["/usr/bin/docker", "exec", "mail"], sudo=False)
    assert inside[:5] == ["/usr/bin/docker", "exec", "mail", "sh", "-c"]
    assert inside[-2:] == ["sh", "id"]
    for argv in ([], [""], ["-x"], ["a\0b"]):
        with pytest.raises(UsageError):
            whole_command(argv, [], sudo=False)


def test_prefixes() -> None:
    assert parse_prefix("docker exec 'my mail'") == ("docker", "exec", "my mail")
    assert parse_prefix("") == ()
    assert changes_user(("/usr/bin/sudo", "-n"))
    assert not changes_user(("docker", "exec", "sudoers"))
