"""A mailbox to look into, kept with a profile's secrets: as one, for its password is in it."""

from __future__ import annotations

from dataclasses import asdict

import msgspec

from smtpadmin.model.mailbox import MailboxAccount
from smtpadmin.model.profile import Profile
from smtpadmin.settings.profiles import MAILBOX, ProfileStore


async def kept_mailbox(store: ProfileStore, profile: Profile) -> MailboxAccount | None:
    """None when there is none, or none that can be read. Raises KeyringError."""
    text = await store.secret(profile.uuid, MAILBOX)
    return account_from_text(text) if text else None


async def keep_mailbox(store: ProfileStore, profile: Profile, account: MailboxAccount) -> None:
    """Keep it beside the profile. Raises KeyringError, and ConflictError when another window changed
    the profile."""
    await store.update(await store.get(profile.uuid), {MAILBOX: account_as_text(account)})


def account_as_text(account: MailboxAccount) -> str:
    """For a keyring only: the password is in it."""
    return msgspec.json.encode(asdict(account)).decode()


def account_from_text(text: str) -> MailboxAccount | None:
    """None for what is no account."""
    try:
        return msgspec.json.decode(text, type=MailboxAccount)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError):
        return None
