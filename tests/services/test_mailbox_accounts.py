"""A mailbox beside a profile: kept among its secrets, shown nowhere, gone with the profile."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.mailbox import MailboxAccount, MailboxProtocol
from smtpadmin.model.profile import TlsMode
from smtpadmin.services.mailbox_accounts import (
    account_as_text,
    account_from_text,
    keep_mailbox,
    kept_mailbox,
)
from smtpadmin.settings.profiles import ProfileStore
from smtpadmin.settings.secret_store import SessionStore
from tests.support.memory_server import profile

ACCOUNT = MailboxAccount(
    MailboxProtocol.POP3, "pop.example", 995, TlsMode.IMPLICIT, "anna", "pass word", "/ca", "ab"
)


async def test_kept_found_and_gone_with_the_profile(tmp_path: Path) -> None:
    store = ProfileStore(SessionStore(), tmp_path / "lock")
    mine = profile()
    await store.add(mine, {})
    assert await kept_mailbox(store, mine) is None
    await keep_mailbox(store, mine, ACCOUNT)
    assert await kept_mailbox(store, mine) == ACCOUNT
    assert "pass word" not in repr(ACCOUNT)
    await store.remove(mine.uuid, ())
    assert await kept_mailbox(store, mine) is None


def test_as_text_and_back() -> None:
    assert account_from_text(account_as_text(ACCOUNT)) == ACCOUNT


@given(st.text())
def test_any_text(text: str) -> None:
    assert account_from_text(text) is None
