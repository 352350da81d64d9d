"""How an account proves itself: keys, agent, password, keyboard-interactive (RFC 4252, RFC 4256)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from smtpadmin.model.errors import LoginError
from smtpadmin.model.profile import Profile
from smtpadmin.transport.ssh_errors import as_ours, why
from smtpadmin.transport.ssh_trust import HostKeyCheck
from smtpadmin.util.tasks import run_blocking
from smtpadmin.util.text import visible

_ONE_TIME = re.compile(r"code|token|otp|one.?time|verif|second|factor|challenge", re.IGNORECASE)
"""A prompt that wants something else than the password."""
MOST_PROMPT = 100


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a profile holds to log in with; all of it may be empty (agent and usual key files)."""

    password: str = field(default="", repr=False)
    key_file: str = ""
    passphrase: str = field(default="", repr=False)

    def for_jump(self) -> Credentials:
        """What a jump host gets: never the password of the server behind it."""
        return Credentials("", self.key_file, self.passphrase)


def credentials_of(profile: Profile, secrets: Mapping[str, str]) -> Credentials:
    """The credentials of a profile."""
    return Credentials(
        password=secrets.get("password", ""),
        key_file=profile.settings.get("key_file", ""),
        passphrase=secrets.get("key_passphrase", ""),
    )


async def login_arguments(credentials: Credentials, where: str) -> dict[str, Any]:
    """Arguments for asyncssh. Raises LoginError for a key that cannot be read or decrypted."""
    arguments: dict[str, Any] = {"agent_forwarding": False}
    if credentials.key_file:
        arguments |= await _key_arguments(credentials, where)
    elif credentials.passphrase:
        arguments["passphrase"] = credentials.passphrase
    if credentials.password and not credentials.key_file:
        # A full agent would use up the server's tries (MaxAuthTries) before the password.
        arguments["preferred_auth"] = "password,keyboard-interactive,publickey"
    return arguments


async def _key_arguments(credentials: Credentials, where: str) -> dict[str, Any]:
    path = Path(credentials.key_file).expanduser()
    try:
        key = await run_blocking(
            asyncssh.read_private_key, str(path), credentials.passphrase or None
        )
    except OSError as error:
        raise LoginError(
            f"the key file cannot be read ({why(error)})", where=str(path), remedy="Check the path."
        ) from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        if not credentials.passphrase and await _agent_has(path):
            return {"agent_identities": [f"{path}.pub"], "client_keys": []}
        raise as_ours(error, f"{where}, key {path}") from error
    return {"client_keys": [key], "agent_path": None}


async def _agent_has(path: Path) -> bool:
    """Whether the agent holds the key whose public half lies beside ``path``."""
    if not os.environ.get("SSH_AUTH_SOCK"):
        return False
    try:
        public = asyncssh.read_public_key(f"{path}.pub")
        async with asyncssh.connect_agent() as agent:
            held = {key.public_data for key in await agent.get_keys()}
    except (OSError, ValueError):
        return False
    return public.public_data in held


class Client(asyncssh.SSHClient):
    """Answers for one connection: is the host key right, what is the password.

    The password is given once, by whichever method asks first: a second wrong one may lock the
    account.
    """

    def __init__(
        self, check: HostKeyCheck, password: str, lost: Callable[[Exception | None], None]
    ) -> None:
        self._check = check
        self._password: str | None = password or None
        self._lost = lost
        self.gave_password = False
        self.unanswered = ""

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Asked only for keys that ``known_hosts`` does not hold."""
        return self._check.accepts(key)

    def password_auth_requested(self) -> str | None:
        """The password, the first time."""
        password, self._password = self._password, None
        self.gave_password = self.gave_password or password is not None
        return password

    def kbdint_auth_requested(self) -> str | None:
        """Any submethod, as long as there is a password to answer with."""
        return None if self._password is None else ""

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Any
    ) -> list[str] | None:
        """The password to a prompt that hides what is typed; nothing to any other."""
        answers: list[str] = []
        for prompt, echo in prompts:
            password = None
            if not echo and not _ONE_TIME.search(prompt):
                password = self.password_auth_requested()
            if password is None:
                self.unanswered = visible(prompt.strip(), MOST_PROMPT)
                return None
            answers.append(password)
        return answers

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._lost(exc)

    def refusal(self, where: str, cause: Exception) -> LoginError:
        """Words for a login that the server refused."""
        if self.unanswered and not self.gave_password:
            return LoginError(
                f"the server asks {self.unanswered!r}, which is not the password",
                where=where,
                remedy="Log in with a key, or exempt this account from the second factor.",
            )
        if self.gave_password:
            return LoginError(
                "the server refused the password",
                where=where,
                remedy="Check user and password, and whether the server takes passwords.",
            )
        ours = as_ours(cause, where)
        ours.remedy = "Give a password or a key, or load the key into ssh-agent; check the user."
        return ours if isinstance(ours, LoginError) else LoginError(ours.what, where=where)
