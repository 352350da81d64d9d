"""One message to one destination."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from smtpadmin.builtin import delivery
from smtpadmin.builtin.config import NextHop
from smtpadmin.builtin.delivery import Deliverer
from smtpadmin.builtin.routes import LOCAL, Destination
from smtpadmin.builtin.spool_records import SpooledMessage, SpooledRecipient
from smtpadmin.model.profile import TlsMode
from tests.support.builtin_server import make_config
from tests.support.scripted_host import ScriptedHost

RAW = b"Subject: x\r\n\r\nbody\r\n"
HERE = Destination(LOCAL, "local.example")


def message(*addresses: str) -> SpooledMessage:
    recipients = tuple(SpooledRecipient(n, a) for n, a in enumerate(addresses))
    return SpooledMessage(
        "Q1", "active", 7.5, 2, 3, 0, False, "a@x.example", 5, None, None, None, None, None,
        False, recipients,
    )  # fmt: skip


async def test_each_local_recipient_gets_a_copy(tmp_path: Path) -> None:
    config = make_config(tmp_path, local_domains={"local.example": frozenset({"b", "c"})})
    given = message("b@local.example", "c+tag@local.example", "gone@local.example")
    done = await Deliverer(config).deliver(given, HERE, given.recipients, RAW)
    assert [(o.status, o.dsn, o.relay) for o in done.outcomes] == [
        ("delivered", "2.0.0", "local"),
        ("delivered", "2.0.0", "local"),
        ("bounced", "5.1.1", "local"),
    ]
    boxes = config.mailbox_path / "local.example"
    assert sorted(path.name for path in boxes.iterdir()) == ["b", "c"]
    (attempt,) = done.attempts
    assert attempt.outcome == "unknown user: gone@local.example"
    assert [line[2] for line in json.loads(attempt.transcript)] == [
        "<b@local.example>: delivered to mailbox",
        "<c+tag@local.example>: delivered to mailbox",
        "<gone@local.example>: unknown user: gone@local.example",
    ]


async def test_a_mailbox_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    config.mailbox_path.mkdir(parents=True)
    (config.mailbox_path / "local.example").write_text("in the way")
    given = message("b@local.example")
    done = await Deliverer(config).deliver(given, HERE, given.recipients, RAW)
    assert [(o.status, o.dsn) for o in done.outcomes] == [("deferred", "4.3.0")]
    assert done.outcomes[0].reply.startswith("mailbox: ")


async def test_an_interrupted_delivery_finds_its_moved_copy(tmp_path: Path) -> None:
    deliverer = Deliverer(config := make_config(tmp_path))
    given = message("b@local.example")
    await deliverer.deliver(given, HERE, given.recipients, RAW)
    box = config.mailbox_path / "local.example" / "b"
    (file,) = (box / "new").iterdir()
    file.rename(
        box / "cur" / f"{file.name}:2,S" if sys.platform != "win32" else box / "cur" / file.name
    )
    again = replace(given, interrupted=True)
    done = await deliverer.deliver(again, HERE, given.recipients, RAW)
    assert done.outcomes[0].status == "delivered"
    assert list((box / "new").iterdir()) == []


async def test_the_next_exchanger_when_the_first_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        ScriptedHost().running() as good,
        ScriptedHost({"MAIL": "451 later"}).running() as bad,
    ):
        dead = NextHop("127.0.0.1", 1)
        hops = [dead, NextHop("127.0.0.1", bad.port, TlsMode.NONE), NextHop("127.0.0.1", good.port)]

        async def found(*_: object) -> list[NextHop]:
            return hops

        monkeypatch.setattr(delivery, "next_hops", found)
        given = message("b@y.example")
        deliverer = Deliverer(make_config(tmp_path))
        done = await deliverer.deliver(given, Destination("mx", "y.example"), given.recipients, RAW)
        assert [attempt.relay for attempt in done.attempts] == ["127.0.0.1:1", str(hops[1])]
        assert done.outcomes[0].dsn == "4.0.0"
        assert good.sessions == 0
        assert done.setup_s > 0


async def test_no_route_is_an_outcome(tmp_path: Path) -> None:
    given = message("b@[nonsense]")
    done = await Deliverer(make_config(tmp_path)).deliver(
        given, Destination("mx", "[nonsense]"), given.recipients, RAW
    )
    assert [(o.status, o.dsn, o.relay) for o in done.outcomes] == [("bounced", "5.1.2", "none")]
    assert json.loads(done.attempts[0].transcript)[0][1] == "*"


async def test_a_login_is_sent_to_a_proven_host_only(tmp_path: Path) -> None:
    deliverer = Deliverer(make_config(tmp_path))
    opportunistic = deliverer._context(NextHop("h"))
    assert not opportunistic.check_hostname
    assert deliverer._context(NextHop("h", user="u")).check_hostname
    assert deliverer._context(NextHop("h", require_tls=True)).check_hostname
