"""Every command of the window as data: name, title, menu, shortcut. Menus, palette and the sheet of
keys are made from this list alone.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """``name`` is the main window's method ``do_NAME``; ``needs`` is ``server``, ``queue`` (the
    Queue page is shown), ``routing`` (the server has that ability) or empty."""

    name: str
    title: str
    menu: str
    key: str = ""
    needs: str = ""
    icon: str = ""


COMMANDS = (
    Command("add_server", "&Add server…", "File", "Ctrl+Shift+N", icon="plus"),
    Command("open_logs", "&Open log files…", "File", "Ctrl+O", icon="log"),
    Command("demo", "Try with the &demo server", "File", icon="beaker"),
    Command("export", "&Export…", "File", "Ctrl+E", "server", "export"),
    Command("quit", "&Quit", "File", "Ctrl+Q"),
    Command("undo", "&Undo last action", "Edit", "Ctrl+Z", "queue", "undo"),
    Command("copy", "&Copy rows", "Edit", "Ctrl+C", "server", "copy"),
    Command("copy_cell", "Copy ce&ll", "Edit", "Ctrl+Shift+C", "server"),
    Command("select_all", "&Select all that match", "Edit", "Ctrl+A", "server"),
    Command("filter", "&Filter", "Edit", "Ctrl+F", "server", "search"),
    Command("save_view", "Save &view", "Edit", "Ctrl+S", "queue", "bookmark"),
    Command("palette", "Command &palette…", "View", "Ctrl+K", icon="command"),
    Command("go_server", "&Go to server…", "View", "Ctrl+P", icon="server"),
    Command("tab_1", "Tab &1", "View", "Ctrl+1", "server"),
    Command("tab_2", "Tab &2", "View", "Ctrl+2", "server"),
    Command("tab_3", "Tab &3", "View", "Ctrl+3", "server"),
    Command("tab_4", "Tab &4", "View", "Ctrl+4", "server"),
    Command("tab_5", "Tab &5", "View", "Ctrl+5", "server"),
    Command("tab_6", "Tab &6", "View", "Ctrl+6", "server"),
    Command("tab_7", "Tab &7", "View", "Ctrl+7", "server"),
    Command("next_pane", "&Next pane", "View", "F6"),
    Command("detail", "&Detail pane", "View", "F8", "server", "panel"),
    Command("sidebar", "&Sidebar", "View", "F9"),
    Command("compact", "C&ompact rows", "View", "", "server"),
    Command("zone", "Time &zone", "View", "Ctrl+T", icon="clock"),
    Command("scheme_system", "Colours: as the s&ystem", "View"),
    Command("scheme_light", "Colours: &light", "View", icon="sun"),
    Command("scheme_dark", "Colours: dar&k", "View", icon="moon"),
    Command("refresh", "&Refresh", "Server", "F5", "server", "refresh"),
    Command("pause", "&Pause or go on refreshing", "Server", "Shift+F5", "server", "pause"),
    Command("edit_server", "&Edit server…", "Server", "", "server", "settings"),
    Command("remove_server", "Re&move server…", "Server", "", "server"),
    Command("ask_server", "&Ask what it would do…", "Server", "", "routing", "route"),
    Command("card", "Settings for a third-party &form…", "Server", "", "server", "copy"),
    Command("retry", "&Retry now", "Queue", "", "queue", "refresh"),
    Command("hold", "&Hold", "Queue", "", "queue", "pause"),
    Command("release", "R&elease", "Queue", "", "queue", "release"),
    Command("requeue", "Re&queue", "Queue", "", "queue", "requeue"),
    Command("bounce", "&Bounce…", "Queue", "", "queue", "bounce"),
    Command("delete", "&Delete…", "Queue", "", "queue", "trash"),
    Command("bulk", "Act on &several servers…", "Queue", icon="group"),
    Command("track", "&Track", "Queue", "", "queue", "route"),
    Command("send_similar", "Send a si&milar test…", "Queue", "", "queue", "send"),
    Command("send_test", "&Send test message…", "Tools", "Ctrl+N", icon="send"),
    Command("explain", "&Explain a reply…", "Tools", icon="info"),
    Command("catch_server", "&Catch server…", "Tools", icon="incoming"),
    Command("load_test", "&Load test…", "Tools", icon="chart"),
    Command("next_problem", "&Next problem in the log", "Tools", "F2", "server"),
    Command("previous_problem", "&Previous problem in the log", "Tools", "Shift+F2", "server"),
    Command("go_to_time", "Go to a &time in the log…", "Tools", "Ctrl+G", "server", "clock"),
    Command("keys", "&Keyboard shortcuts", "Help", "F1", icon="keyboard"),
    Command("about", "&About smtpadmin", "Help", icon="info"),
)

MENUS = ("File", "Edit", "View", "Server", "Queue", "Tools", "Help")
CHECKABLE = frozenset({"sidebar", "detail", "compact"})

TABLE_KEYS = (
    ("R", "retry now"),
    ("H", "hold or release"),
    ("Del", "delete"),
    ("T", "track"),
    ("Enter", "open"),
    ("/", "filter"),
    ("?", "this sheet"),
    ("Esc", "clear filter, then selection, then detail"),
)
"""Keys that act while a table has the focus."""


def plain_title(command: Command) -> str:
    """The title without its access key."""
    return command.title.replace("&", "")
