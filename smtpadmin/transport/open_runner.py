"""From a profile to what runs its commands: on this computer, or over SSH."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.transport.command import CommandRunner
from smtpadmin.transport.local import LocalRunner
from smtpadmin.transport.remote_line import parse_prefix

LOCAL, SSH = "local", "ssh"
"""Values of the setting ``access``."""


def is_local(profile: Profile) -> bool:
    """Whether a profile's commands run on this computer."""
    return not profile.host or profile.settings.get("access") == LOCAL


def open_runner(profile: Profile, secrets: Mapping[str, str]) -> CommandRunner:
    """The runner of a profile; it does not connect yet. ``secrets`` may hold ``password`` and
    ``key_passphrase``. Raises UsageError for a prefix that cannot be read."""
    prefix = parse_prefix(profile.prefix)
    if is_local(profile):
        if sys.platform == "win32":
            raise UsageError(
                "commands on this computer need Unix",
                where=profile.name,
                remedy="Name the host of the mail server: it is reached by SSH.",
            )
        return LocalRunner(prefix)
    from smtpadmin.transport.ssh import SshRunner

    return SshRunner(profile, secrets, prefix)
