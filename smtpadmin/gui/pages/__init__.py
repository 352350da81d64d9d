"""The pages behind the tabs: each is imported when it is first shown."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A tab: its name, title, the ability that it needs (empty: none), and its class. ``offline``:
    it is of use without a connection. ``catch``: whether it is one of the catch server's pages."""

    name: str
    title: str
    ability: str
    module: str
    cls: str
    offline: bool = False
    catch: bool = False


PAGES = (
    PageEntry("overview", "Overview", "", "smtpadmin.gui.pages.overview", "OverviewPage"),
    PageEntry("queue", "Queue", "queue", "smtpadmin.gui.pages.queue", "QueuePage"),
    PageEntry("logs", "Logs", "log", "smtpadmin.gui.pages.logs", "LogsPage"),
    PageEntry("tracking", "Tracking", "track", "smtpadmin.gui.pages.tracking", "TrackingPage"),
    PageEntry("tests", "Tests", "", "smtpadmin.gui.pages.tests", "TestsPage", offline=True),
    PageEntry("settings", "Settings", "", "smtpadmin.gui.pages.settings", "SettingsPage", offline=True),
    PageEntry("activity", "Activity", "queue-control", "smtpadmin.gui.pages.activity",
              "ActivityPage", offline=True),
    PageEntry("caught", "Caught", "catch", "smtpadmin.gui.pages.caught", "CaughtPage",
              offline=True, catch=True),
    PageEntry("rules", "Rules", "catch", "smtpadmin.gui.pages.catch_rules", "CatchRulesPage",
              offline=True, catch=True),
    PageEntry("settings", "Settings", "catch", "smtpadmin.gui.pages.catch_settings",
              "CatchSettingsPage", offline=True, catch=True),
)  # fmt: skip


def pages_for(abilities: Collection[str]) -> list[PageEntry]:
    """The pages of a server with these abilities. A catch server has its own alone: there is no
    queue, nothing to test and no profile to edit."""
    catch = "catch" in abilities
    return [e for e in PAGES if e.catch == catch and (not e.ability or e.ability in abilities)]
