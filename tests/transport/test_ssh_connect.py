"""Connecting to real sshds: every way to log in, jump hosts, host keys, and everything that fails."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.profile import Profile
from smtpadmin.transport.ssh_connect import connect
from smtpadmin.transport.ssh_login import Credentials, credentials_of
from smtpadmin.transport.ssh_options import Target, target_of
from tests.servers.sshd import (
    Account,
    Sshd,
    account,
    allow_key,
    free_port,
    make_key,
    ssh_agent,
    sshd_running,
)
from tests.support.programs import missing, program


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with sshd_running() as server:
        yield server


@pytest.fixture(scope="module")
def user(sshd: Sshd) -> Iterator[Account]:
    with account(sshd) as made:
        yield made


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without keys, agent or configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir(mode=0o700)
    return tmp_path


async def whoami(profile: Profile, **secrets: str) -> str:
    """Log in and ask who we are."""
    link = await connect(
        target_of(profile),
        credentials_of(profile, secrets),
        profile.trust,
        jump=profile.settings.get("jump", ""),
        deadline=10,
    )
    try:
        return str((await link.connection.run("whoami")).stdout).strip()
    finally:
        await link.close()


def known(home: Path, *lines: str) -> None:
    (home / ".ssh" / "known_hosts").write_text("".join(lines))


def config(home: Path, text: str) -> None:
    (home / ".ssh" / "config").write_text(text)


# Ways to log in


async def test_a_key_file(sshd: Sshd, user: Account) -> None:
    assert await whoami(sshd.profile(user)) == user.name


async def test_an_encrypted_key_with_its_passphrase(
    sshd: Sshd, user: Account, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "encrypted", "key words")
    allow_key(sshd, user, key)
    profile = sshd.profile(user, key_file=str(key))
    assert await whoami(profile, key_passphrase="key words") == user.name


@pytest.mark.parametrize(("given", "words"), [("", "passphrase"), ("wrong", "passphrase")])
async def test_an_encrypted_key_without_the_right_passphrase(
    sshd: Sshd, user: Account, tmp_path: Path, given: str, words: str
) -> None:
    key = make_key(tmp_path / "encrypted", "key words")
    with pytest.raises(LoginError) as caught:
        await whoami(sshd.profile(user, key_file=str(key)), key_passphrase=given)
    assert words in caught.value.remedy
    assert str(key) in caught.value.where
    assert "wrong" not in str(caught.value)


async def test_an_encrypted_key_that_the_agent_holds(
    sshd: Sshd, user: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(tmp_path / "in-agent")
    allow_key(sshd, user, key)
    with ssh_agent(key) as environment:
        monkeypatch.setenv("SSH_AUTH_SOCK", environment["SSH_AUTH_SOCK"])
        subprocess.run(
            [program("ssh-keygen"), "-q", "-p", "-N", "locked", "-f", str(key)],
            check=True, capture_output=True,
        )  # fmt: skip
        assert await whoami(sshd.profile(user, key_file=str(key))) == user.name


async def test_the_agent_alone(sshd: Sshd, user: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    with ssh_agent(user.key) as environment:
        monkeypatch.setenv("SSH_AUTH_SOCK", environment["SSH_AUTH_SOCK"])
        assert await whoami(sshd.profile(user, key_file="")) == user.name


async def test_an_agent_that_is_gone(
    sshd: Sshd, user: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere/agent")
    profile = sshd.profile(user, key_file="")
    assert await whoami(profile, password=user.password) == user.name


async def test_the_usual_key_of_the_home(sshd: Sshd, user: Account, home: Path) -> None:
    (home / ".ssh" / "id_ed25519").write_bytes(user.key.read_bytes())
    assert await whoami(sshd.profile(user, key_file="")) == user.name


async def test_a_key_file_that_is_missing(sshd: Sshd, user: Account) -> None:
    with pytest.raises(LoginError, match="No such file"):
        await whoami(sshd.profile(user, key_file="/nowhere/key"))


async def test_a_key_file_that_is_none(sshd: Sshd, user: Account, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear Sir or Madam")
    with pytest.raises(LoginError, match="the key cannot be used"):
        await whoami(sshd.profile(user, key_file=str(tmp_path / "letter")))


async def test_a_key_that_the_server_does_not_know(
    sshd: Sshd, user: Account, tmp_path: Path
) -> None:
    with pytest.raises(LoginError, match="refused the login"):
        await whoami(sshd.profile(user, key_file=str(make_key(tmp_path / "stranger"))))


async def test_a_password(sshd: Sshd, user: Account) -> None:
    assert await whoami(sshd.profile(user, key_file=""), password=user.password) == user.name


async def test_a_full_agent_does_not_use_up_the_tries(
    sshd: Sshd, user: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [make_key(tmp_path / f"k{n}") for n in range(8)]
    with ssh_agent(*keys) as environment:
        monkeypatch.setenv("SSH_AUTH_SOCK", environment["SSH_AUTH_SOCK"])
        assert await whoami(sshd.profile(user, key_file=""), password=user.password) == user.name


async def test_a_wrong_password_is_tried_once(sshd: Sshd, user: Account) -> None:
    before = sshd.log.count("Failed password")
    with pytest.raises(LoginError, match="refused the password") as caught:
        await whoami(sshd.profile(user, key_file=""), password="not-the-password")
    assert "not-the-password" not in str(caught.value)
    assert sshd.log.count("Failed password") == before + 1


async def test_no_secret_is_logged(
    sshd: Sshd, user: Account, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = make_key(tmp_path / "encrypted", "key words")
    allow_key(sshd, user, key)
    with caplog.at_level(logging.DEBUG):
        await whoami(sshd.profile(user, key_file=""), password=user.password)
        await whoami(sshd.profile(user, key_file=str(key)), key_passphrase="key words")
    assert user.password not in caplog.text
    assert "key words" not in caplog.text
    assert not [r for r in caplog.records if r.name == "asyncssh" and r.levelno < logging.WARNING]


async def test_nothing_to_log_in_with(sshd: Sshd, user: Account) -> None:
    with pytest.raises(LoginError, match="refused the login") as caught:
        await whoami(sshd.profile(user, key_file=""))
    assert "ssh-agent" in caught.value.remedy


async def test_keyboard_interactive() -> None:
    options = ("UsePAM yes", "PasswordAuthentication no", "KbdInteractiveAuthentication yes")
    with sshd_running(*options) as server, account(server) as user:
        try:
            assert (
                await whoami(server.profile(user, key_file=""), password=user.password) == user.name
            )
        except SmtpadminError:
            if "pam_loginuid" in server.log or "PAM: pam_open_session" in server.log:
                missing("PAM does not open sessions on this machine")
            raise
        assert "keyboard-interactive" in server.log
        with pytest.raises(LoginError, match="refused the password"):
            await whoami(server.profile(user, key_file=""), password="wrong")


# Host keys


async def test_an_unknown_host_key_is_a_question(sshd: Sshd, user: Account) -> None:
    with pytest.raises(UntrustedError, match="the host key is not known") as caught:
        await whoami(replace(sshd.profile(user), trust={}))
    assert caught.value.fingerprint == sshd.fingerprint
    assert not caught.value.changed
    assert caught.value.place == f"ssh:{sshd.host}:{sshd.port}"
    shown = subprocess.run(
        [program("ssh-keygen"), "-lf", str(sshd.folder / "host_ed25519.pub")],
        check=True, capture_output=True, text=True,
    ).stdout.split()[1]  # fmt: skip
    assert shown.startswith("SHA256:")
    assert shown in str(caught.value)


async def test_the_accepted_fingerprint(sshd: Sshd, user: Account) -> None:
    profile = replace(sshd.profile(user), trust={f"ssh:{sshd.host}:{sshd.port}": sshd.fingerprint})
    assert await whoami(profile) == user.name


async def test_another_key_than_the_accepted_one_stops(sshd: Sshd, user: Account) -> None:
    profile = replace(sshd.profile(user), trust={f"ssh:{sshd.host}:{sshd.port}": "ab" * 32})
    with pytest.raises(UntrustedError, match="has changed") as caught:
        await whoami(profile)
    assert caught.value.changed


async def test_known_hosts(sshd: Sshd, user: Account, home: Path) -> None:
    known(home, sshd.known_hosts_line)
    assert await whoami(replace(sshd.profile(user), trust={})) == user.name


async def test_hashed_known_hosts(sshd: Sshd, user: Account, home: Path) -> None:
    known(home, sshd.known_hosts_line)
    file = home / ".ssh" / "known_hosts"
    subprocess.run(
        [program("ssh-keygen"), "-q", "-H", "-f", str(file)], check=True, capture_output=True
    )
    hashed = file.read_text()
    assert sshd.host not in hashed
    known(home, "a line that is none\n", "|1|x|y ssh-ed25519 AAAA\n", hashed)
    assert await whoami(replace(sshd.profile(user), trust={})) == user.name


async def test_another_key_than_known_hosts_holds_stops(
    sshd: Sshd, user: Account, home: Path, tmp_path: Path
) -> None:
    other = Path(f"{make_key(tmp_path / 'other')}.pub").read_text()
    known(home, f"[{sshd.host}]:{sshd.port} {other}")
    with pytest.raises(UntrustedError, match="has changed") as caught:
        await whoami(replace(sshd.profile(user), trust={}))
    assert caught.value.changed
    assert "ssh-keygen -R" in caught.value.remedy


async def test_a_key_of_another_port_is_no_change(
    sshd: Sshd, user: Account, home: Path, tmp_path: Path
) -> None:
    other = Path(f"{make_key(tmp_path / 'other')}.pub").read_text()
    known(home, f"{sshd.host} {other}")
    with pytest.raises(UntrustedError, match="not known"):
        await whoami(replace(sshd.profile(user), trust={}))


async def test_a_revoked_key_stops_even_when_accepted(
    sshd: Sshd, user: Account, home: Path
) -> None:
    known(home, "@revoked ", f"* {sshd.host_key}\n")
    with pytest.raises(UntrustedError, match="revoked") as caught:
        await whoami(sshd.profile(user))
    assert caught.value.changed


async def test_a_host_certificate_of_a_known_authority(home: Path, tmp_path: Path) -> None:
    ca = make_key(tmp_path / "ca")
    with sshd_running() as plain, account(plain) as user:
        subprocess.run(
            [program("ssh-keygen"), "-q", "-s", str(ca), "-I", "lab", "-h", "-n", plain.host,
             str(plain.folder / "host_ed25519.pub")],
            check=True, capture_output=True,
        )  # fmt: skip
        certificate = plain.folder / "host_ed25519-cert.pub"
        with sshd_running(f"HostCertificate {certificate}", f"HostKey {plain.folder}/host_ed25519",
                          f"AuthorizedKeysFile {plain.folder}/%u.keys") as signed:  # fmt: skip
            profile = replace(signed.profile(user), trust={})
            with pytest.raises(UntrustedError, match="not known") as caught:
                await whoami(profile)
            assert caught.value.fingerprint == plain.fingerprint
            authority = Path(f"{ca}.pub").read_text()
            known(home, f"@cert-authority *,[{signed.host}]:{signed.port} {authority}")
            assert await whoami(profile) == user.name


async def test_checking_cannot_be_switched_off(sshd: Sshd, user: Account, home: Path) -> None:
    config(home, "StrictHostKeyChecking no\nUserKnownHostsFile none\n")
    with pytest.raises(UntrustedError):
        await whoami(replace(sshd.profile(user), trust={}))


# ~/.ssh/config and jump hosts


async def test_an_alias_of_the_configuration(sshd: Sshd, user: Account, home: Path) -> None:
    config(
        home,
        f"Host mailbox\n HostName {sshd.host}\n Port {sshd.port}\n User {user.name}\n"
        f" IdentityFile {user.key}\n UserKnownHostsFile {home}/elsewhere\n",
    )
    (home / "elsewhere").write_text(sshd.known_hosts_line)
    assert await whoami(Profile("u", "lab", "postfix", host="mailbox")) == user.name


async def test_a_configuration_that_cannot_be_read(home: Path) -> None:
    config(home, "Port forty\n")
    with pytest.raises(UsageError, match="SSH configuration") as caught:
        await whoami(Profile("u", "lab", "postfix", host="mailbox"))
    assert "~/.ssh/config" in caught.value.remedy


@pytest.fixture(scope="module")
def bastion(user: Account, sshd: Sshd) -> Iterator[Sshd]:
    with sshd_running(f"AuthorizedKeysFile {sshd.folder}/%u.keys") as server:
        yield server


async def test_proxy_jump_of_the_configuration(
    sshd: Sshd, bastion: Sshd, user: Account, home: Path
) -> None:
    config(
        home,
        f"Host bastion\n HostName {bastion.host}\n Port {bastion.port}\n"
        f"Host inner\n HostName {sshd.host}\n Port {sshd.port}\n ProxyJump bastion\n"
        f"Host *\n User {user.name}\n IdentityFile {user.key}\n",
    )
    known(home, sshd.known_hosts_line, bastion.known_hosts_line)
    before = bastion.log.count("Accepted publickey")
    assert await whoami(Profile("u", "lab", "postfix", host="inner")) == user.name
    assert bastion.log.count("Accepted publickey") == before + 1


async def test_a_jump_host_as_typed(sshd: Sshd, bastion: Sshd, user: Account) -> None:
    jump = f"{user.name}@{bastion.host}:{bastion.port}"
    profile = sshd.profile(user, jump=jump)
    with pytest.raises(UntrustedError, match="the jump host failed") as caught:
        await whoami(profile)
    assert caught.value.place == f"ssh:{bastion.host}:{bastion.port}"
    assert caught.value.fingerprint == bastion.fingerprint
    assert await whoami(replace(profile, trust={**sshd.trust(), **bastion.trust()})) == user.name


async def test_the_password_is_not_shown_to_the_jump_host(
    sshd: Sshd, bastion: Sshd, user: Account
) -> None:
    profile = sshd.profile(user, key_file="", jump=f"{user.name}@{bastion.host}:{bastion.port}")
    profile = replace(profile, trust={**sshd.trust(), **bastion.trust()})
    with pytest.raises(LoginError, match="the jump host failed"):
        await whoami(profile, password=user.password)
    assert "Failed password" not in bastion.log
    assert "Accepted password" not in bastion.log


async def test_a_server_that_the_jump_host_cannot_reach(
    sshd: Sshd, bastion: Sshd, user: Account
) -> None:
    profile = replace(
        sshd.profile(user, jump=f"{user.name}@{bastion.host}:{bastion.port}"),
        port=free_port(),
        trust=bastion.trust(),
    )
    with pytest.raises(UnreachableError, match=r"jump host .* could not connect"):
        await whoami(profile)


async def test_jump_hosts_in_a_circle(home: Path) -> None:
    config(home, "Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
    with pytest.raises(UsageError, match="circle"):
        await whoami(Profile("u", "lab", "postfix", host="a"))


# What is no SSH server


async def test_nobody_listens() -> None:
    with pytest.raises(UnreachableError, match="nothing listens"):
        await connect(Target("127.0.0.1", free_port(), "x"), Credentials(), {}, deadline=5)


async def test_no_such_host() -> None:
    with pytest.raises(UnreachableError, match="no such host"):
        await connect(Target("mx1.invalid", 22, "x"), Credentials(), {}, deadline=20)


@pytest.mark.parametrize(
    "banner",
    [b"220 mx1.example ESMTP\r\n" * 2000, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-1.5-old\r\n",
     b"\xff\x00" * 70_000, b"SSH-2.0-x\r\n" + b"\xff" * 5000, b""],
)  # fmt: skip
async def test_a_port_that_is_not_ssh(banner: bytes) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(banner)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        target = Target("127.0.0.1", server.sockets[0].getsockname()[1], "x")
        with pytest.raises((ProtocolError, UnreachableError)) as caught:
            await connect(target, Credentials(), {}, deadline=5)
    assert not isinstance(caught.value, TotalDeadlineError)


async def test_a_server_that_drips_does_not_outlast_the_deadline() -> None:
    hung_up = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            writer.close()
            hung_up.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    begun = time.monotonic()
    async with server:
        target = Target("127.0.0.1", server.sockets[0].getsockname()[1], "x")
        with pytest.raises(TotalDeadlineError, match="no SSH session in time"):
            await connect(target, Credentials(), {}, deadline=0.5)
        await asyncio.wait_for(hung_up.wait(), 5)
    assert time.monotonic() - begun < 3
