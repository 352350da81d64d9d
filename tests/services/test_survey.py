"""What is found on a server: real Postfix and Exim, with and without rights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from smtpadmin.model.errors import UntrustedError
from smtpadmin.model.profile import Profile
from smtpadmin.services.checks import CheckResult
from smtpadmin.services.survey import Surveyed, command_kinds, survey
from tests.servers.exim import Exim, running_exim
from tests.servers.postfix import PostfixLab, running_postfix
from tests.servers.sshd import account, sshd_running

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def postfix() -> Iterator[PostfixLab]:
    with running_postfix() as running:
        yield running


@pytest.fixture(scope="module")
def exim() -> Iterator[Exim]:
    with running_exim() as running:
        yield running


def local(kind: str, **settings: str) -> Profile:
    return Profile("u", "here", kind, settings={"access": "local", **settings})


async def looked(profile: Profile, secrets: dict[str, str] | None = None) -> dict[str, Surveyed]:
    return {found.kind: found async for found in survey(profile, secrets or {})}


def words(found: Surveyed) -> dict[str, str]:
    return {check.name: check.detail for check in found.checks}


def test_the_kinds_are_those_that_run_commands() -> None:
    assert {"postfix", "exim"} <= set(command_kinds())
    assert not {"smtp", "builtin"} & set(command_kinds())


async def test_postfix_is_found_with_log_and_rights(postfix: PostfixLab) -> None:
    found = (await looked(local("postfix", instance=str(postfix.short.etc))))["postfix"]
    assert found.probe is not None
    told = words(found)
    assert told["Postfix"].startswith("Postfix 3.")
    assert str(postfix.short.log) in told["log"]
    assert "root" in told["account may"]
    assert "Queue IDs are short" in told["to fix"]


async def test_exim_is_found_though_postfix_was_expected(exim: Exim) -> None:
    profile = local("exim", binary=str(exim.binary), config=str(exim.config))
    found = await looked(profile)
    assert found["exim"].probe is not None
    assert next(iter(found)) == "exim"
    assert found["exim"].checks[0].result is CheckResult.PASS


async def test_what_is_not_there_is_told_and_only_a_fault_when_it_was_wanted() -> None:
    found = await looked(local("exim", binary="/nonexistent/exim"))
    assert found["exim"].probe is None
    (check,) = found["exim"].checks
    assert check.result is CheckResult.FAIL
    assert check.detail


async def test_a_plain_account_gets_the_lines_for_what_it_lacks(postfix: PostfixLab) -> None:
    with sshd_running() as sshd, account(sshd) as user:
        profile = replace(
            local("postfix", instance=str(postfix.short.etc), key_file=str(user.key)),
            host=sshd.host, port=sshd.port, user=user.name,
            settings={"access": "ssh", "instance": str(postfix.short.etc), "key_file": str(user.key)},
        )  # fmt: skip
        with pytest.raises(UntrustedError) as caught:
            await looked(profile)
        trusted = replace(profile, trust={caught.value.place: caught.value.fingerprint})
        found = (await looked(trusted))["postfix"]
    assert "list, retry" in words(found)["account may"]
    fixes = [check.fix for check in found.checks if "may not do everything" in check.detail]
    assert user.name in fixes[0]
    assert "NOPASSWD" in fixes[0]
    assert "postsuper" in fixes[0]
