from __future__ import annotations

import pytest

from smtpadmin.connectors._postfix_commands import PostfixCommands
from smtpadmin.connectors._postfix_log import LogPlace
from smtpadmin.connectors._postfix_rights import (
    Rights,
    find_rights,
    log_rules,
    missing_rules,
    postcat_rule,
    remedy,
    sudoers_file,
)
from smtpadmin.model.profile import Profile
from smtpadmin.transport.scripted import Answer, ScriptedRunner

WANTS_PASSWORD = Answer(stderr=b"sudo: a password is required\n", status=1)
NO_RULE = Answer(stderr=b"Sorry, user ops is not allowed to execute '/usr/sbin/postcat' as root\n", status=1)  # fmt: skip
NO_FILE = Answer(stderr=b"postcat: fatal: open queue file 000000000000: No such file\n", status=1)
NOTHING = Answer(stderr=b"postsuper: Placed on hold: 0 messages\n")


def commands(answers: dict[tuple[str, ...], Answer], instance: str = "") -> PostfixCommands:
    runner = ScriptedRunner(
        {("id", "-un"): Answer(b"ops\n"), ("id", "-u"): Answer(b"1001\n")} | answers
    )
    return PostfixCommands(runner, Profile("u", "mx1", "postfix", settings={"instance": instance}))


@pytest.mark.parametrize(
    ("answers", "rights"),
    [
        ({("id", "-u"): Answer(b"0\n")}, Rights("ops", root=True)),
        ({("sudo", "-n", "-l"): WANTS_PASSWORD}, Rights("ops", False, False, False)),
        ({("sudo", "-n", "-l"): Answer(status=127)}, Rights("ops", False, False, False)),
        ({("sudo", "-n", "-l"): Answer(), ("postsuper", "..."): NOTHING, ("postcat", "..."): NO_FILE},
         Rights("ops", False, True, True)),
        ({("sudo", "-n", "-l"): Answer(), ("postsuper", "..."): NOTHING, ("postcat", "..."): NO_RULE},
         Rights("ops", False, True, False)),
        ({("sudo", "-n", "-l"): Answer(), ("postsuper", "..."): WANTS_PASSWORD, ("postcat", "..."): NO_FILE},
         Rights("ops", False, False, True)),
    ],
)  # fmt: skip
async def test_rights_are_found(answers: dict[tuple[str, ...], Answer], rights: Rights) -> None:
    assert await find_rights(commands(answers)) == rights


async def test_without_any_rule_sudo_is_not_provoked() -> None:
    made = commands({("sudo", "-n", "-l"): WANTS_PASSWORD})
    await find_rights(made)
    runner = made.runner
    assert isinstance(runner, ScriptedRunner)
    assert not any(asked.privileged for asked in runner.asked)


def test_rights_in_words() -> None:
    assert str(Rights("root", root=True)) == "root: everything"
    assert str(Rights("ops", postcat=False)) == "ops: list, retry, act (sudo postsuper)"


def test_what_is_missing_is_one_line_for_the_instance() -> None:
    made = commands({}, "/etc/postfix-out")
    place = LogPlace("file", "/var/log/mail.log", readable=False)
    rules = missing_rules(made, "/usr/sbin", Rights("ops", False, False, False), place)
    text = remedy("ops", rules)
    assert text.startswith(
        "Put into /etc/sudoers.d/smtpadmin, with visudo: ops ALL=(root) NOPASSWD: "
    )
    assert "/usr/sbin/postsuper -c /etc/postfix-out -d -," in text
    assert "/usr/bin/tail -n 0 -F -- /var/log/mail.log" in text
    assert "\n" not in text
    assert missing_rules(made, "", Rights("ops"), LogPlace("file", "/x")) == []
    assert remedy("ops", []) == ""


def test_an_account_name_that_sudoers_cannot_hold_gives_no_line() -> None:
    text = remedy("a b", [postcat_rule(commands({}), "/usr/sbin")])
    assert "NOPASSWD" not in text


def test_rules_for_each_kind_of_log() -> None:
    assert log_rules(LogPlace("none")) == log_rules(LogPlace("stdout")) == []
    (rule,) = log_rules(LogPlace("journal", units=("postfix.service",)))
    assert rule.command[0] == "/usr/bin/journalctl"
    assert "# read messages" in sudoers_file("ops", [postcat_rule(commands({}), "/usr/sbin")])
