"""Settings that every connector over commands shares: how its commands reach the server."""

from __future__ import annotations

from smtpadmin.connectors.api import FieldType, SettingField
from smtpadmin.transport.open_runner import LOCAL, SSH

COMMAND_SETTINGS: tuple[SettingField, ...] = (
    SettingField(
        "access",
        "Access",
        FieldType.CHOICE,
        default=SSH,
        choices=(SSH, LOCAL),
        help="local: the mail server runs on this computer",
    ),
    SettingField("host", "Host", help="name, address or alias of ~/.ssh/config; empty is local"),
    SettingField("port", "SSH port", FieldType.PORT, help="22, or what ~/.ssh/config says"),
    SettingField("user", "User", help="or what ~/.ssh/config says"),
    SettingField("password", "Password", secret=True, help="not needed with a key or an agent"),
    SettingField("key_file", "Key file", FieldType.PATH, help="agent and ~/.ssh keys when empty"),
    SettingField("key_passphrase", "Passphrase of the key", secret=True),
    SettingField("jump", "Jump hosts", help="[USER@]HOST[:PORT], several with commas"),
    SettingField("prefix", "Command prefix", help="before every command, as in: docker exec mail"),
)
"""Fields of the profile and of its ``settings``; ``prefix`` is ``Profile.prefix``."""
