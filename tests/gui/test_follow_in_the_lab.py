"""A test message followed in the window, by clicks and keys, over two real relays to its mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from smtpadmin.formats.scanner_payloads import payload
from smtpadmin.gui.dialogs.send_test import SendTest
from smtpadmin.gui.main_window import MainWindow
from smtpadmin.model.profile import Environment, Profile
from tests.gui.test_send_test import click, mailbox, opened_dialog, rows, said, type_into
from tests.servers.dovecot import USER
from tests.servers.relay_lab import GONE, GREY, RelayLab, running_relay_lab
from tests.servers.rspamd import ADD_HEADER
from tests.support.window import opened_window, until

pytestmark = [pytest.mark.gui, pytest.mark.live]
PASSWORD = "Mispel-7731-quer"


@pytest.fixture(scope="module")
def lab() -> Iterator[RelayLab]:
    with running_relay_lab(PASSWORD) as running:
        yield running


@asynccontextmanager
async def dialog_in(lab: RelayLab, user: str = USER) -> AsyncIterator[SendTest]:
    """The dialog in a window with a profile for every relay, asked to follow into ``user``'s mailbox."""
    async with opened_window() as window:
        await add_profiles(window, lab)
        dialog = await opened_dialog(window, f"127.0.0.1:{lab.edge.port}")
        await mailbox(
            dialog,
            "localhost",
            str(lab.dovecot.ports["imaps"]),
            user,
            PASSWORD,
            lab.dovecot.ca_file,
        )
        click(dialog.compose.follow)
        click(dialog.following.every)
        yield dialog
        dialog.reject()


async def add_profiles(window: MainWindow, lab: RelayLab) -> None:
    for one in (lab.hub, lab.edge):
        settings = {"access": "local", "instance": str(one.etc)}
        profile = Profile(
            one.name, one.name, "postfix", environment=Environment.TEST, settings=settings
        )
        await window.workspace.demo_profiles.add(profile, {})
    await window.workspace.demo_profiles.add(lab.exim.profile(), {})
    await window.workspace.reload()


async def send(dialog: SendTest, to: str = USER, text: str = "hello", port: int = 0) -> None:
    type_into(dialog.compose.letter.from_, USER)
    type_into(dialog.compose.letter.to, to)
    dialog.compose.letter.text.setPlainText(text)
    if port:
        type_into(dialog.compose.target.host, f"127.0.0.1:{port}")
    click(dialog.compose.send)


async def way(dialog: SendTest) -> str:
    """The picture's rows at the end."""
    await until(lambda: dialog.following.report is not None, timeout=40)
    return "\n".join(rows(dialog.following.tree))


@pytest.mark.parametrize("first", ["edge", "ex1"])
async def test_delivered_over_two_relays(lab: RelayLab, first: str) -> None:
    async with dialog_in(lab) as dialog:
        await send(dialog, port=lab.exim.port if first == "ex1" else lab.edge.port)
        found = await way(dialog)
        assert dialog.following.banner.accessibleName().startswith("It lies in INBOX")
        assert f"Sent: {USER}" in found
        assert f"Delivered: {USER}" in found
        name = "edge.local.example" if first == "edge" else "ex1.lab.test"
        assert f"{name} → hub.local.example" in found


async def test_greylisted_then_delivered(lab: RelayLab) -> None:
    lab.greylisting.forget()
    async with dialog_in(lab, GREY) as dialog:
        await send(dialog, GREY)
        tree = dialog.following.tree
        await until(lambda: any(row.startswith(f"Deferred: {GREY}") for row in rows(tree)))
        assert any("Greylisted" in row for row in rows(tree))
        await asyncio.to_thread(lab.flush)
        assert f"Delivered: {GREY}" in await way(dialog)
        assert dialog.following.banner.accessibleName().startswith("It lies in INBOX")


async def test_bounced_and_the_bounce_is_explained(lab: RelayLab) -> None:
    async with dialog_in(lab) as dialog:
        await send(dialog, GONE)
        found = await way(dialog)
        assert dialog.following.banner.accessibleName() == "Bounced"
        assert f"Bounced: {GONE}" in found
        assert "Bounce\nThe recipient's address does not exist" in found


async def test_filtered(lab: RelayLab) -> None:
    async with dialog_in(lab) as dialog:
        await send(dialog, text=ADD_HEADER)
        await way(dialog)
        assert dialog.following.banner.accessibleName().startswith("It lies in Junk")
        await send(dialog, text=payload("gtube").line, port=lab.filtered)
        await until(lambda: len(dialog.sender_service.history) == 2)
        await until(lambda: not dialog.compose.is_sending)
        assert "554" in said(dialog) or "Refused" in said(dialog)
        assert dialog.following.report is None
