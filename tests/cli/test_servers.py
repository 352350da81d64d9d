"""``servers`` with a connector over a real sshd: the host key is a question that --trust answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from click.testing import CliRunner

from smtpadmin.cli.servers import command
from smtpadmin.connectors import registry
from smtpadmin.connectors._command_access import COMMAND_SETTINGS
from smtpadmin.model.errors import UntrustedError, UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.model.stats import ProbeResult
from smtpadmin.transport.open_runner import open_runner
from tests.servers.sshd import Account, Sshd, account, allow_key, make_key, sshd_running


class Shell:
    """The least that a connector over commands can be."""

    id = "shell"
    title = "Shell"
    settings = COMMAND_SETTINGS

    def __init__(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        self._runner = open_runner(profile, secrets)

    async def probe(self) -> ProbeResult:
        said = await self._runner.run(["uname", "-s"])
        return ProbeResult(said.stdout.decode().strip(), "", self._runner.where, {})

    async def close(self) -> None:
        await self._runner.close()


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with sshd_running() as server:
        yield server


@pytest.fixture(scope="module")
def user(sshd: Sshd) -> Iterator[Account]:
    with account(sshd) as made:
        yield made


@pytest.fixture(autouse=True)
def _shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = MappingProxyType({**registry.connectors(), "shell": Shell})
    monkeypatch.setattr(registry, "connectors", lambda: found)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("SMTPADMIN_SECRETS", f"vault:{tmp_path}/vault")
    monkeypatch.setenv("SMTPADMIN_VAULT_PASSWORD", "open")


def add(sshd: Sshd, user: Account, *more: str) -> tuple[str, ...]:
    return ("add", "mx1", "--kind", "shell", "--host", sshd.host, "--port", str(sshd.port),
            "--user", user.name, "--password-stdin", *more)  # fmt: skip


def call(*words: str, password: str = "") -> str:
    done = CliRunner().invoke(command, words, input=f"{password}\n", catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def shown() -> dict[str, object]:
    return dict(json.loads(call("show", "mx1", "--json")))


def test_the_question_says_how_to_answer_it(sshd: Sshd, user: Account) -> None:
    with pytest.raises(UntrustedError) as caught:
        call(*add(sshd, user), password=user.password)
    place = f"ssh:{sshd.host}:{sshd.port}"
    assert f"--trust {place}={sshd.fingerprint}" in caught.value.remedy
    assert "SHA256:" in caught.value.remedy


def test_add_with_the_fingerprint_given(sshd: Sshd, user: Account) -> None:
    call(*add(sshd, user, "--trust", sshd.fingerprint), password=user.password)
    assert shown()["trust"] == sshd.trust()
    assert "Linux" in call("test", "mx1")


def test_add_with_another_fingerprint_given(sshd: Sshd, user: Account) -> None:
    with pytest.raises(UntrustedError):
        call(*add(sshd, user, "--trust", "ab" * 32), password=user.password)


def test_edit_accepts_later(sshd: Sshd, user: Account) -> None:
    call(*add(sshd, user, "--no-probe"), password=user.password)
    with pytest.raises(UntrustedError):
        call("test", "mx1")
    call("edit", "mx1", "--trust", sshd.fingerprint)
    assert shown()["trust"] == sshd.trust()
    assert "Linux" in call("test", "mx1")


def test_the_prefix_is_the_profiles_own(sshd: Sshd, user: Account) -> None:
    trust = ("--trust", sshd.fingerprint)
    call(*add(sshd, user, *trust, "--prefix", "env PLACE=here"), password=user.password)
    assert shown()["prefix"] == "env PLACE=here"
    assert "prefix" not in dict(shown()["settings"])
    assert "env PLACE=here" in call("test", "mx1")
    call("edit", "mx1", "--rename", "mx1")
    assert shown()["prefix"] == "env PLACE=here"


def test_a_changed_key_is_not_offered(sshd: Sshd, user: Account) -> None:
    call(*add(sshd, user, "--no-probe", "--trust", "ab" * 32), password=user.password)
    with pytest.raises(UntrustedError) as caught:
        call("test", "mx1")
    assert "--trust" not in caught.value.remedy


def test_an_encrypted_key_with_its_passphrase_by_standard_input(
    sshd: Sshd, user: Account, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "encrypted", "key words")
    allow_key(sshd, user, key)
    words = ("add", "mx1", "--kind", "shell", "--host", sshd.host, "--port", str(sshd.port),
             "--user", user.name, "--set", f"key_file={key}", "--trust", sshd.fingerprint,
             "--secret-stdin", "key_passphrase")  # fmt: skip
    call(*words, password="key words")
    assert "Linux" in call("test", "mx1")


def test_a_secret_is_never_an_argument(sshd: Sshd, user: Account) -> None:
    with pytest.raises(UsageError, match="never an argument"):
        call(*add(sshd, user, "--set", "key_passphrase=x"))
    with pytest.raises(UsageError, match="not a secret"):
        call(*add(sshd, user, "--secret-stdin", "host"))
