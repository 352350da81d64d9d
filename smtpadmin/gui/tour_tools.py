"""The part of the tour that shows the tools: catch server and load test, both at work."""

from __future__ import annotations

import asyncio
import smtplib
from dataclasses import replace
from email.message import EmailMessage
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication, QWidget

from smtpadmin.formats.catch_rules import PRESETS
from smtpadmin.gui.dialogs.load_test import LoadTestDialog
from smtpadmin.gui.main_window import MainWindow
from smtpadmin.gui.pages.catch_rules import CatchRulesPage
from smtpadmin.gui.pages.catch_settings import CatchSettingsPage
from smtpadmin.gui.pages.caught import CaughtPage
from smtpadmin.gui.pages.caught_detail import TABS
from smtpadmin.gui.server_view import ServerView
from smtpadmin.gui.theme.theme import Scheme, current_theme
from smtpadmin.util.tasks import run_blocking

if TYPE_CHECKING:
    from smtpadmin.gui.tour import Tour

SHOWN = ("Mailbox full", "Greylisting for a minute", "Slow banner", "No STARTTLS",
         "Expired certificate")  # fmt: skip
"""Presets on the Rules page's picture."""


async def show_tools(tour: Tour, window: MainWindow) -> None:
    """Start a catch server, send mail to it, load it, and take pictures of all that."""
    window.run("catch_server")
    await _until(lambda: isinstance(_page(window), CaughtPage))
    caught = _page(window)
    view = window.current_view()
    assert isinstance(caught, CaughtPage)
    assert view is not None
    await _until(lambda: caught.host.address is not None)
    await asyncio.sleep(0.2)
    tour.save("catch-empty", "Catch server: nothing caught yet, and how to send", window)
    await _show_settings(tour, window, view)
    view.show_page("caught")
    await _show_caught(tour, window, caught)
    await _show_load(tour, window, view)
    await _show_rules(tour, window, view)
    await _show_stopped(tour, window, view, caught)
    await window.forget_view(view.context.profile.uuid)


async def _show_caught(tour: Tour, window: MainWindow, page: CaughtPage) -> None:
    assert page.host.address is not None
    await run_blocking(_send_some, *page.host.address)
    await _until(lambda: len(page.store) >= 4 and all(r.checks for r in page.store.all_rows() if r.message))  # fmt: skip
    rows = list(page.store.visible_rows())
    page.table.selectRow(next(n for n, r in enumerate(rows) if r.message and r.message.subject))
    await asyncio.sleep(0.4)
    tour.save("catch-caught", "Catch server: a message beside its session", window)
    for name in ("HTML", "Checks"):
        page.detail.tabs.setCurrentIndex(TABS.index(name))
        await asyncio.sleep(0.2)
        tour.save(f"catch-{name.lower()}", f"Catch server: {name}", window)
    current_theme().apply(Scheme.DARK)
    window.resize(1024, 640)
    await asyncio.sleep(0.3)
    tour.save("catch-dark-small", "Dark, 1024 x 640: checks of a caught message", window)
    window.resize(1280, 800)
    current_theme().apply(Scheme.LIGHT)
    page.release_selected()
    await _save_modal(tour, "catch-release", "Release: it is really delivered, to whom")


async def _show_load(tour: Tour, window: MainWindow, view: ServerView) -> None:
    rules = view.page("rules")
    assert isinstance(rules, CatchRulesPage)
    rules.add_preset("Rate limit", dict(PRESETS)["Rate limit"])
    window.run("load_test")
    await _until(lambda: isinstance(QApplication.activeModalWidget(), LoadTestDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, LoadTestDialog)
    tour.save("load", "Load test: before the start", dialog)
    dialog.connections.setValue(5)
    dialog.rate.setValue(150)
    dialog.start.click()
    await asyncio.sleep(1.6)
    tour.save("load-running", "Load test: live rate and latency", dialog)
    dialog.stop.click()
    await _until(dialog.copy.isEnabled)
    dialog.errors.table.selectRow(0)
    current_theme().apply(Scheme.DARK)
    dialog.resize(1024, 640)
    await asyncio.sleep(0.2)
    tour.save("load-dark-stopped", "Dark, 1024 x 640: stopped, an error explained", dialog)
    current_theme().apply(Scheme.LIGHT)
    dialog.close()
    await _until(lambda: QApplication.activeModalWidget() is None)


async def _show_rules(tour: Tour, window: MainWindow, view: ServerView) -> None:
    view.show_page("rules")
    page = view.page("rules")
    assert isinstance(page, CatchRulesPage)
    presets = dict(PRESETS)
    for name in SHOWN:
        if name not in [cells.name for cells in page.table.cells()]:
            page.add_preset(name, presets[name])
    await asyncio.sleep(0.3)
    tour.save("catch-rules", "Catch server: errors that it makes on purpose", window)
    item = page.table.item(page.table.rowCount() - 1, 7)
    assert item is not None
    item.setText("certificate=stale")
    current_theme().apply(Scheme.DARK)
    window.resize(1024, 640)
    await asyncio.sleep(0.3)
    tour.save("catch-rules-wrong", "Dark, 1024 x 640: a rule that is wrong says so", window)
    window.resize(1280, 800)
    current_theme().apply(Scheme.LIGHT)


async def _show_stopped(tour: Tour, window: MainWindow, view: ServerView, page: CaughtPage) -> None:
    view.show_page("caught")
    page.clear_all()
    window.toast.hide()
    page.state.stop()
    await _until(lambda: page.host.address is None)
    await asyncio.sleep(0.2)
    tour.save("catch-stopped", "Catch server: stopped", window)
    demo = window.workspace.demo
    assert demo is not None
    host, _, port = demo.profile.settings["smtp"].rpartition(":")
    page.state.set_up(replace(page.host.setup, host=host, port=int(port)))
    await _until(page.state.banner.isVisible)
    await asyncio.sleep(0.2)
    tour.save("catch-port-taken", "Catch server: another program has the port", window)


async def _show_settings(tour: Tour, window: MainWindow, view: ServerView) -> None:
    view.show_page("rules")
    page = view.page("rules")
    assert isinstance(page, CatchRulesPage)
    await asyncio.sleep(0.1)
    tour.save("catch-no-rules", "Catch server: no rules yet", window)
    page.add_preset(*PRESETS[0])
    view.show_page("settings")
    settings = view.page("settings")
    assert isinstance(settings, CatchSettingsPage)
    await asyncio.sleep(0.1)
    tour.save("catch-settings", "Catch server: settings, and the card to copy", window)
    settings.host.setText("0.0.0.0")
    window.resize(1024, 640)
    await asyncio.sleep(0.2)
    tour.save("catch-outside", "1024 x 640: an outside address needs a tick", window)
    settings.host.setText("127.0.0.1")
    window.resize(1280, 800)


def _page(window: MainWindow) -> QWidget | None:
    view = window.current_view()
    return view.current_page() if view is not None else None


async def _save_modal(tour: Tour, name: str, words: str) -> None:
    await _until(lambda: QApplication.activeModalWidget() is not None)
    await asyncio.sleep(0.2)
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    tour.save(name, words, dialog)
    dialog.close()
    await _until(lambda: QApplication.activeModalWidget() is None)


async def _until(condition: object) -> None:
    from smtpadmin.gui.tour import until

    await until(condition)  # type: ignore[arg-type]


def _send_some(host: str, port: int) -> None:
    """Three messages of a small shop, and one that a rule refuses. Blocking."""
    newsletter = EmailMessage()
    newsletter["From"], newsletter["To"] = "shop@acme.example", "anna@example.org"
    newsletter["Subject"] = "Spring sale: 20 % off everything"
    newsletter.set_content("Hello Anna,\n\nthe spring sale has begun.\n")
    newsletter.add_alternative(
        "<html><body><h1>Spring sale</h1><p>Hello <b>Anna</b></p>"
        '<img src="http://acme.example/pixel.png"></body></html>', subtype="html",
    )  # fmt: skip
    plain = EmailMessage()
    plain["From"], plain["To"] = "cron@web1.acme.example", "root@acme.example"
    plain["Subject"] = "Backup finished"
    plain["Date"], plain["Message-ID"] = "Mon, 02 Mar 2026 09:00:00 +0000", "<1@web1.acme.example>"
    plain.set_content("All is well.\n")
    with smtplib.SMTP(host, port, "web1.acme.example", timeout=5) as client:
        client.sendmail("cron@web1.acme.example", ["root@acme.example"], plain.as_bytes())
        client.sendmail("", ["postmaster@acme.example"], b"Subject: Undelivered\r\n\r\nbounce\r\n")
        client.sendmail("shop@acme.example", ["anna@example.org", "bob@example.net"],
                        newsletter.as_bytes())  # fmt: skip
    with smtplib.SMTP(host, port, "web2.acme.example", timeout=5) as client:
        client.ehlo()
        client.mail("shop@acme.example")
        client.rcpt("full@example.org")
