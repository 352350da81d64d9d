"""Which runner a profile gets."""

from __future__ import annotations

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.transport.open_runner import is_local, open_runner


def profile(host: str = "", prefix: str = "", **settings: str) -> Profile:
    return Profile("u", "n", "postfix", host=host, user="ann", prefix=prefix, settings=settings)


@pytest.mark.parametrize(
    ("made", "where"),
    [
        (profile(), "local"),
        (profile(host="mx1", access="local"), "local"),
        (profile(prefix="docker exec 'my mail'"), "local docker exec my mail"),
        (profile(host="mx1", access="ssh"), "ssh ann@mx1"),
        (profile(host="mx1", prefix="sudo -n"), "ssh ann@mx1 sudo -n"),
    ],
)
def test_where_commands_run(made: Profile, where: str) -> None:
    assert open_runner(made, {}).where == where
    assert is_local(made) is where.startswith("local")


def test_a_prefix_with_an_open_quote() -> None:
    with pytest.raises(UsageError, match="prefix"):
        open_runner(profile(prefix="docker exec 'mail"), {})


async def test_a_local_prefix_is_used() -> None:
    runner = open_runner(profile(prefix="env PLACE=here"), {})
    assert (await runner.run(["printenv", "PLACE"])).stdout == b"here\n"


def test_windows_runs_no_commands_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtpadmin.transport.open_runner.sys.platform", "win32")
    with pytest.raises(UsageError, match="need Unix"):
        open_runner(profile(), {})
    assert open_runner(profile(host="mx1"), {}).where == "ssh ann@mx1"
