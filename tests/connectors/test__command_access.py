"""The shared settings lead to the runner that they describe."""

from __future__ import annotations

from smtpadmin.connectors._command_access import COMMAND_SETTINGS
from smtpadmin.model.profile import Profile
from smtpadmin.transport.open_runner import open_runner
from smtpadmin.transport.ssh import SshRunner
from smtpadmin.transport.ssh_login import credentials_of


def test_names_are_those_that_the_runner_reads() -> None:
    names = [field.name for field in COMMAND_SETTINGS]
    assert len(set(names)) == len(names)
    settings = {"key_file": "/k", "jump": "bastion", "access": "ssh"}
    assert set(settings) < set(names)
    profile = Profile("u", "n", "postfix", host="mx1", settings=settings)
    secrets = {field.name: "s3cret" for field in COMMAND_SETTINGS if field.secret}
    found = credentials_of(profile, secrets)
    assert (found.password, found.passphrase, found.key_file) == ("s3cret", "s3cret", "/k")
    assert "s3cret" not in repr(found)
    assert isinstance(open_runner(profile, secrets), SshRunner)


def test_the_first_secret_is_the_one_of_password_stdin() -> None:
    assert next(field.name for field in COMMAND_SETTINGS if field.secret) == "password"
