"""``docs/builtin-server.md`` leaves nothing out: events, paths, options, the demo's domains."""

from __future__ import annotations

import re
from pathlib import Path

import smtpadmin
from smtpadmin.builtin import demo_world
from smtpadmin.builtin.admin_api import ROUTES
from smtpadmin.cli import serve
from smtpadmin.model.queue import QueueAction

SOURCES = Path(smtpadmin.__file__).parent / "builtin"
TEXT = (SOURCES.parents[1] / "docs" / "builtin-server.md").read_text("utf-8")


def test_every_event_of_the_log() -> None:
    code = "".join(path.read_text("utf-8") for path in SOURCES.glob("*.py"))
    events = set(re.findall(r'\.write\(\s*"([a-z-]+)"', code))
    assert {"queued", "delivery", "reject", "lost"} <= events
    events |= {*QueueAction, "action"}
    assert [event for event in sorted(events) if f"`{event}`" not in TEXT] == []


def test_every_path_of_the_admin_api() -> None:
    wanted = [f"`{route.method} {route.path}`" for route in ROUTES]
    assert [path for path in wanted if path not in TEXT] == []


def test_every_option() -> None:
    options = [name for parameter in serve.command.params for name in parameter.opts]
    assert [name for name in options if f"`{name}" not in TEXT] == []


def test_every_domain_of_the_demo() -> None:
    domains = [place.domain for place in demo_world.PLACES]
    domains += [demo_world.BUSY, demo_world.SILENT, demo_world.UNREACHABLE, demo_world.WITHOUT_DNS]
    assert [domain for domain in domains if f"`{domain}`" not in TEXT] == []
