"""Finding Exim and what the account may do, on recorded answers; the real ones are in test_exim."""

from __future__ import annotations

import pytest

from smtpadmin.connectors._exim_commands import EximCommands, EximPlace, Rights
from smtpadmin.model.errors import NotPermittedError, ProtocolError, UnreachableError
from smtpadmin.transport.scripted import Answer, ScriptedRunner

VERSION = Answer(b"Exim version 4.96 #2 built 27-May-2026 16:52:26\n")
DENIED = Answer(b"Permission denied\n", status=1)
NO_SUCH = Answer(b"Failed to open msglog file for 000000-000000-00: No such file\n", status=1)
NO_SUDO = Answer(stderr=b"sudo: a password is required\n", status=1)
ASK = ("/usr/sbin/exim", "-Mvl", "000000-000000-00")


def runner(*answers: Answer) -> ScriptedRunner:
    return ScriptedRunner({("/usr/sbin/exim", "-bV"): VERSION, ASK: answers})


async def test_it_is_looked_for() -> None:
    exim = EximCommands(runner(NO_SUCH), EximPlace())
    assert (await exim.build()).version == "4.96"
    assert exim.shown == "/usr/sbin/exim"
    assert await exim.argv(["-bp"]) == ["/usr/sbin/exim", "-bp"]


async def test_configuration_and_queue_stand_where_exim_takes_them() -> None:
    scripted = ScriptedRunner({("exim9", "-C", "/x.conf", "-bV"): VERSION})
    exim = EximCommands(scripted, EximPlace("exim9", "/x.conf", "slow"))
    assert await exim.argv(["-bp", "ID"]) == ["exim9", "-C", "/x.conf", "-bp", "-qGslow", "ID"]
    assert await exim.argv(["-Mf", "ID"]) == ["exim9", "-C", "/x.conf", "-qGslow", "-Mf", "ID"]
    assert await exim.argv(["-bt"], in_queue=False) == ["exim9", "-C", "/x.conf", "-bt"]
    assert ", exim9" not in exim.sudoers()
    assert "/usr/sbin/exim9 -C /x.conf -bp -qGslow [0-9A-Za-z]*, " in exim.sudoers()


async def test_where_there_is_none() -> None:
    with pytest.raises(UnreachableError, match="Exim was not found"):
        await EximCommands(ScriptedRunner({}), EximPlace()).build()
    other = ScriptedRunner({("exim9", "-bV"): Answer(b"Postfix \x1b[2J", status=1)})
    with pytest.raises(ProtocolError, match="this is not Exim") as caught:
        await EximCommands(other, EximPlace("exim9")).build()
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "rights"),
    [
        ([NO_SUCH], Rights.OWN),
        ([DENIED, NO_SUCH], Rights.SUDO),
        ([DENIED, NO_SUDO], Rights.NONE),
        ([DENIED, DENIED], Rights.NONE),
    ],
)
async def test_what_the_account_may_do(answers: list[Answer], rights: Rights) -> None:
    scripted = runner(*answers)
    exim = EximCommands(scripted, EximPlace())
    assert await exim.rights() is rights
    assert await exim.rights() is rights
    asked = [one.privileged for one in scripted.asked if one.argv == ASK]
    assert asked == [False, True][: len(answers)], "asked once, without help first"


async def test_the_remedy_is_the_very_line() -> None:
    exim = EximCommands(runner(DENIED, NO_SUDO), EximPlace(account="mailop"))
    with pytest.raises(NotPermittedError) as caught:
        await exim.run(["-Mf", "1rABcd-000DEF-99"])
    assert "mailop ALL=(root) NOPASSWD: /usr/sbin/exim -bpr, " in caught.value.remedy
    rule = r", /usr/sbin/exim -Mf [0-9A-Za-z]*, !/usr/sbin/exim -Mf ?*[!\ 0-9A-Za-z-]*, "
    assert rule in caught.value.remedy


async def test_a_rule_that_is_missing_is_told_when_it_is_needed() -> None:
    scripted = runner(DENIED, NO_SUCH)
    scripted._answers[("/usr/sbin/exim", "-Mf", "...")] = [NO_SUDO]
    with pytest.raises(NotPermittedError, match="run exim -Mf"):
        await EximCommands(scripted, EximPlace(account="mailop")).run(["-Mf", "1rABcd-000DEF-99"])
