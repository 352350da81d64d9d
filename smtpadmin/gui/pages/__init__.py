"""The pages behind the tabs: each is imported when it is first shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A tab: its name, title, the ability that it needs (empty: none), and its class. ``offline``:
    it is of use without a connection."""

    name: str
    title: str
    ability: str
    module: str
    cls: str
    offline: bool = False


PAGES = (
    PageEntry("overview", "Overview", "", "smtpadmin.gui.pages.overview", "OverviewPage"),
    PageEntry("queue", "Queue", "queue", "smtpadmin.gui.pages.queue", "QueuePage"),
    PageEntry("logs", "Logs", "log", "smtpadmin.gui.pages.logs", "LogsPage"),
    PageEntry("tracking", "Tracking", "track", "smtpadmin.gui.pages.tracking", "TrackingPage"),
    PageEntry("tests", "Tests", "", "smtpadmin.gui.pages.tests", "TestsPage", offline=True),
    PageEntry("settings", "Settings", "", "smtpadmin.gui.pages.settings", "SettingsPage", offline=True),
    PageEntry("activity", "Activity", "queue-control", "smtpadmin.gui.pages.activity",
              "ActivityPage", offline=True),
)  # fmt: skip
