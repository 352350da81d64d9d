from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpadmin.formats.sudoers import (
    FILE_SUFFIX,
    LETTERS_AND_DIGITS,
    SudoRule,
    drop_in,
    rule_line,
)
from smtpadmin.model.errors import UsageError

RULES = [
    SudoRule(("/usr/sbin/postsuper", "-d", "-"), why="delete\nALL=(ALL) NOPASSWD: ALL"),
    SudoRule(("/usr/sbin/postcat", "-c", "/etc/postfix-2", "-q"), LETTERS_AND_DIGITS),
    SudoRule(("/usr/sbin/exim4", "-Mvc"), "0-9A-Za-z-"),
    SudoRule(("/usr/bin/cat", "--", "/var/log/mail.log"), FILE_SUFFIX, glued=True),
    SudoRule(("/usr/sbin/exim4",)),
]


def visudo(text: str) -> str:
    program = shutil.which("visudo", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("not installed: visudo")
        pytest.skip("not installed: visudo")
    done = subprocess.run(
        [program, "-cf", "-"], input=text, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_file() -> None:
    text = drop_in("mail-admin", RULES)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == [
        "mail-admin ALL=(root) NOPASSWD: /usr/sbin/postsuper -d -",
        "mail-admin ALL=(root) NOPASSWD: /usr/sbin/postcat -c /etc/postfix-2 -q [0-9A-Za-z]*,"
        " !/usr/sbin/postcat -c /etc/postfix-2 -q ?*[!0-9A-Za-z]*",
        "mail-admin ALL=(root) NOPASSWD: /usr/sbin/exim4 -Mvc [0-9A-Za-z-]*,"
        " !/usr/sbin/exim4 -Mvc ?*[!0-9A-Za-z-]*",
        "mail-admin ALL=(root) NOPASSWD: /usr/bin/cat -- /var/log/mail.log[0-9A-Za-z.-]*,"
        " !/usr/bin/cat -- /var/log/mail.log?*[!0-9A-Za-z.-]*",
        'mail-admin ALL=(root) NOPASSWD: /usr/sbin/exim4 ""',
    ]
    assert visudo(text) == ""


@settings(deadline=None, max_examples=40)
@given(st.text("/abc.=,:*?[]\\~@%+-", min_size=1, max_size=12))
def test_any_word_is_written_so_that_visudo_reads_it(word: str) -> None:
    assert visudo(drop_in("ops", [SudoRule(("/usr/bin/x", "-c", word))])) == ""


@pytest.mark.parametrize("account", ["", "a b", "ops ALL", "%group", "a\nb", "x,y", "-d"])
def test_an_account_that_would_mean_something_else_is_refused(account: str) -> None:
    with pytest.raises(UsageError):
        rule_line(account, RULES[0])


@pytest.mark.parametrize(
    "command", [(), ("postcat",), ("/bin/x", ""), ("/bin/x", "a\nb"), ("/bin/x", "#")]
)
def test_commands_that_cannot_be_written(command: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        rule_line("ops", SudoRule(command))
    with pytest.raises(UsageError):
        rule_line("ops", SudoRule(("/bin/x",), then="a]"))


def allowed_by_sudo(*command: str) -> bool:
    done = subprocess.run(
        ["sudo", "-n", "-l", "-U", "smtpadmin-rules", *command], capture_output=True, check=False
    )
    return done.returncode == 0


@pytest.fixture
def account() -> object:
    """An account that the rules are for, known to the system's own sudo for this test."""
    if os.geteuid() or not shutil.which("sudo") or not shutil.which("useradd"):
        pytest.skip("needs root, sudo and useradd")
    place = Path("/etc/sudoers.d/smtpadmin-test-rules")
    subprocess.run(["useradd", "-r", "smtpadmin-rules"], check=False, capture_output=True)
    place.write_text(drop_in("smtpadmin-rules", [
        SudoRule(("/usr/bin/od", "-q"), LETTERS_AND_DIGITS),
        SudoRule(("/usr/bin/cat", "--", "/var/log/mail.log"), FILE_SUFFIX, glued=True),
    ]))  # fmt: skip
    place.chmod(0o440)
    yield
    place.unlink()
    subprocess.run(["userdel", "smtpadmin-rules"], check=False, capture_output=True)


@pytest.mark.live
@pytest.mark.usefixtures("account")
def test_real_sudo_allows_an_id_and_nothing_else() -> None:
    assert allowed_by_sudo("/usr/bin/od", "-q", "5995920C316")
    assert allowed_by_sudo("/usr/bin/cat", "--", "/var/log/mail.log.2.gz")
    for refused in (
        ["/usr/bin/od", "-q", "A", "-c", "/tmp/x"],
        ["/usr/bin/od", "-q", "../../etc/shadow"],
        ["/usr/bin/od", "-q", "-c"],
        ["/usr/bin/od"],
        ["/usr/bin/cat", "--", "/var/log/mail.log", "/etc/shadow"],
        ["/usr/bin/cat", "--", "/var/log/mail.log/../../etc/shadow"],
        ["/usr/bin/cat", "--", "/etc/shadow"],
    ):
        assert not allowed_by_sudo(*refused), refused


def test_ids_that_may_hold_a_dash_and_are_no_options() -> None:
    rule = SudoRule(("/usr/sbin/exim", "-Mf"), "0-9A-Za-z-", first="0-9A-Za-z", many=True)
    assert rule_line("ops", rule) == (
        "ops ALL=(root) NOPASSWD: /usr/sbin/exim -Mf [0-9A-Za-z]*,"
        r" !/usr/sbin/exim -Mf ?*[!\ 0-9A-Za-z-]*"
    )
