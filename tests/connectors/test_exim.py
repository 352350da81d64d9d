"""The Exim connector against a real Exim 4.96."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import smtplib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smtpadmin.connectors._exim_actions import CHANGED
from smtpadmin.connectors.exim import EximServer
from smtpadmin.formats.exim_actions import GONE, LOCKED, MALFORMED
from smtpadmin.model.errors import ServerRefusedError, UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.queue import QueueAction, QueueEntry, StoredMessage
from smtpadmin.model.routing import SessionEnvelope
from smtpadmin.services.actions import QueueActions
from smtpadmin.services.undo import undo
from smtpadmin.settings.journal import Journal
from smtpadmin.util.tasks import TaskOwner
from tests.servers.exim import Exim, running_exim
from tests.support.waiting import until

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def running() -> Iterator[Exim]:
    with running_exim() as exim:
        yield exim


@pytest.fixture
def exim(running: Exim) -> Exim:
    running.empty()
    return running


@pytest.fixture
async def server(exim: Exim) -> AsyncIterator[EximServer]:
    connector = EximServer(exim.profile(), {})
    yield connector
    await connector.close()


async def listed(server: EximServer) -> dict[str, QueueEntry]:
    return {e.queue_id: e async for batch in server.list_queue() for e in batch}


async def test_it_says_who_it_is_and_what_the_account_may_do(server: EximServer) -> None:
    found = await server.probe()
    assert (found.software, found.version) == ("Exim", "4.96")
    assert found.facts["Host name"] == "ex1.lab.test"
    assert found.facts["Administrator"] == "by itself"
    assert found.facts["Largest message"] == "50M"


async def test_the_queue_with_every_kind_of_message(exim: Exim, server: EximServer) -> None:
    plain = exim.put("u@down.test")
    bounce = exim.put(["u@down.test", "later@lab.test"], sender="")
    frozen = exim.send("frozen@good.test")
    half = exim.put(["anna@lab.test", "u@down.test"])
    exim.run("-M", half)
    rows = await listed(server)
    assert set(rows) == {plain, bounce, frozen, half}
    assert rows[plain].sender == "anna@lab.test"
    assert rows[plain].server == "ex1"
    assert rows[bounce].sender == ""
    assert [r.address for r in rows[bounce].recipients] == ["u@down.test", "later@lab.test"]
    assert (rows[frozen].frozen, rows[frozen].queue) == (True, "frozen")
    assert {r.address: r.delivered for r in rows[half].recipients} == {
        "anna@lab.test": True,
        "u@down.test": False,
    }
    assert (await server.queue_counts()).total == 4


async def act(server: EximServer, action: QueueAction, *ids: str) -> dict[str, tuple[bool, str]]:
    rows = await listed(server)
    results = await server.act(action, [rows[i] for i in ids])
    assert [r.queue_id for r in results] == list(ids)
    return {r.queue_id: (r.ok, r.message) for r in results}


async def test_hold_and_release(exim: Exim, server: EximServer) -> None:
    one, two = exim.put("u@down.test"), exim.put("u@down.test")
    assert await act(server, QueueAction.HOLD, one) == {one: (True, "")}
    again = await act(server, QueueAction.HOLD, one, two)
    assert again == {one: (False, "is already frozen"), two: (True, "")}
    assert all(entry.frozen for entry in (await listed(server)).values())
    released = await act(server, QueueAction.RELEASE, two, one)
    assert released == {one: (True, ""), two: (True, "")}
    assert await act(server, QueueAction.RELEASE, one) == {one: (False, "is not frozen")}


async def test_retry_tells_what_became_of_the_try(exim: Exim, server: EximServer) -> None:
    down, local = exim.put("u@down.test"), exim.put("anna@lab.test")
    tempfail, several = exim.put("u@tempfail.test"), exim.put(["u@good.test", "later@lab.test"])
    frozen = exim.send("frozen@good.test")
    failing = exim.put("u@refused.test")
    told = await act(server, QueueAction.RETRY, down, local, tempfail, several, frozen, failing)
    assert told[down] == (True, "1 deferred: Connection refused")
    assert told[local] == told[frozen] == (True, "1 delivered")
    assert told[tempfail][0]
    assert "450 4.2.0 later" in told[tempfail][1]
    assert told[several] == (True, "1 delivered, 1 deferred: quota check not reachable")
    assert told[failing][1].startswith("1 failed: SMTP error from remote mail server")
    assert {down, tempfail, several} <= set(exim.ids())
    assert not {local, frozen, failing} & set(exim.ids())


async def test_bounce_returns_it_to_the_sender(exim: Exim, server: EximServer) -> None:
    one, frozen = exim.put("u@down.test", sender="ben@lab.test"), exim.send("frozen@good.test")
    assert await act(server, QueueAction.BOUNCE, one, frozen) == {
        one: (True, ""),
        frozen: (True, ""),
    }
    exim.wait_for(f"R={one}")
    exim.wait_for("=> ben <ben@lab.test>")
    returned = next(Path(exim.folder, "mail/ben/new").iterdir()).read_text()
    assert "Mail delivery failed" in returned


async def test_an_undeliverable_bounce_is_frozen_and_can_be_deleted(
    exim: Exim, server: EximServer
) -> None:
    lost = exim.put("bounceme@lab.test", sender="nobody@unroutable.test")
    exim.run("-M", lost)
    exim.wait_for("Frozen (delivery error message)")
    ((queue_id, entry),) = (await listed(server)).items()
    assert (entry.sender, entry.frozen) == ("", True)
    assert await act(server, QueueAction.DELETE, queue_id) == {queue_id: (True, "")}
    assert exim.ids() == []


async def test_what_is_gone_malformed_or_changed_is_not_touched_and_told(
    exim: Exim, server: EximServer
) -> None:
    gone, stays, other = (exim.put("u@down.test") for _ in range(3))
    rows = await listed(server)
    exim.run("-Mrm", gone)
    results = await server.act(
        QueueAction.DELETE,
        [
            rows[gone],
            replace(rows[stays], sender="somebody@else.test"),
            replace(rows[stays], queue_id="$(reboot)"),
            replace(rows[stays], queue_id="-bd"),
            replace(rows[stays], queue_id="1aaaaa-000000-aa"),
            rows[other],
        ],
    )
    words = [(r.ok, r.message) for r in results]
    refused = [(False, GONE), (False, CHANGED), (False, MALFORMED), (False, MALFORMED)]
    assert words == [*refused, (False, GONE), (True, "")]
    assert exim.ids() == [stays]


async def test_a_message_in_delivery_is_locked(exim: Exim, server: EximServer) -> None:
    import fcntl

    held = exim.put("u@down.test")
    with open(exim.folder / f"spool/input/{held}-D", "rb+") as data:
        fcntl.lockf(data, fcntl.LOCK_EX, 10)  # as Exim locks it: the line with its name
        assert await act(server, QueueAction.HOLD, held) == {held: (False, LOCKED)}
        assert await act(server, QueueAction.DELETE, held) == {held: (False, LOCKED)}
        assert await act(server, QueueAction.RETRY, held) == {held: (False, LOCKED)}
        assert (await act(server, QueueAction.BOUNCE, held))[held][0] is False
    assert exim.ids() == [held]


async def test_a_spool_file_that_cannot_be_read_is_listed_as_such(
    exim: Exim, server: EximServer
) -> None:
    broken = exim.put("u@down.test")
    (exim.folder / f"spool/input/{broken}-H").write_text("nonsense\n")
    entry = (await listed(server))[broken]
    assert entry.queue == "corrupt"
    assert entry.flags == ("spool format error: size=9",)
    with pytest.raises(ServerRefusedError, match="cannot be read"):
        await server.fetch_message(broken)


async def test_a_broken_message_stops_no_other(
    exim: Exim, server: EximServer, tmp_path: Path
) -> None:
    broken, good = exim.put("u@down.test"), exim.put("u@down.test")
    (exim.folder / f"spool/input/{broken}-H").write_text("nonsense\n")
    rows = await listed(server)
    actions = QueueActions(server, exim.profile(), Journal(tmp_path / "journal"))
    preview = actions.preview(QueueAction.DELETE, [rows[broken], rows[good]])
    confirmed = preview.confirm(preview.typed_name)
    outcome = await actions.run(QueueAction.DELETE, preview.entries, confirmed)
    assert [result.ok for result in outcome.results] == [False, True]
    assert "no copy could be kept" in outcome.results[0].message
    assert exim.ids() == [broken]
    without = await actions.run(QueueAction.DELETE, [rows[broken]], confirmed, keep_copies=False)
    assert [result.ok for result in without.results] == [True]
    assert exim.ids() == []


async def test_no_requeue(exim: Exim, server: EximServer) -> None:
    waiting = exim.put("u@down.test")
    told = await act(server, QueueAction.REQUEUE, waiting)
    assert told[waiting][0] is False
    assert exim.ids() == [waiting]


HOSTILE = (
    b"From: \"$(reboot)\" <anna@lab.test>\nSubject: `id` $(reboot) ; rm -rf / \x1b[2J \xff\xfe\n"
    b"X-Long: " + b"x" * 900 + b"\nX-Folded: a\n\tb\n\n.\n..\nFrom here\n\x00\xffend\n"
)  # fmt: skip


async def test_a_message_comes_out_as_it_went_in_with_the_recipients_that_wait(
    exim: Exim, server: EximServer
) -> None:
    odd = ['"a b;$(reboot)"@down.test', "-x@down.test", "anna@lab.test"]
    queue_id = exim.put(odd, '"> *** frozen ***"@e.test', HOSTILE)
    exim.run("-M", queue_id)
    message = await server.fetch_message(queue_id)
    assert message.sender == '"> *** frozen ***"@e.test'
    assert sorted(message.recipients) == sorted(odd[:2])
    assert message.arrived is not None
    head, _, body = message.raw.partition(b"\n\n")
    assert body == HOSTILE.partition(b"\n\n")[2]
    assert b"Subject: `id` $(reboot) ; rm -rf / \x1b[2J \xff\xfe\n" in head
    assert head.startswith(b"Received: from root by ex1.lab.test")
    assert [r.address for r in (await listed(server))[queue_id].recipients if not r.delivered]


async def test_a_big_header_and_body(exim: Exim, server: EximServer) -> None:
    raw = (
        b"From: a@lab.test\n" + b"X-Big: " + b"y" * 900_000 + b"\n\n" + b"z" * 70 * 100_000 + b"\n"
    )
    queue_id = exim.put("u@down.test", "anna@lab.test", raw)
    message = await server.fetch_message(queue_id)
    assert len(message.raw) > 7_900_000


async def test_ten_megabytes_of_header_are_refused_by_exim_and_nothing_else_happens(
    exim: Exim, server: EximServer
) -> None:
    raw = b"From: a@lab.test\n" + b"X-Big: " + b"y" * 10_000_000 + b"\n\nbody\n"
    copy = StoredMessage("1aaaaa-000000-aa", "anna@lab.test", ("u@down.test",), raw)
    with pytest.raises(ServerRefusedError, match="header longer than 1048576"):
        await server.reinject(copy)
    assert exim.ids() == []


async def test_a_message_put_back_is_the_same_one(exim: Exim, server: EximServer) -> None:
    recipients = ("-x@down.test", '"a,b $(reboot)"@down.test')
    for sender in ("", "ben@lab.test", '"x> *** frozen ***"@e.test'):
        exim.put("-x@down.test", sender)  # one like it is there already
        copy = StoredMessage("1aaaaa-000000-aa", sender, recipients, HOSTILE)
        new_id = await server.reinject(copy)
        assert new_id in exim.ids()
        back = await server.fetch_message(new_id)
        assert back.sender == sender
        assert back.recipients == recipients
        assert back.raw.partition(b"\n\n")[2] == HOSTILE.partition(b"\n\n")[2]
        assert await server.fetch_message_log(new_id)


@pytest.mark.parametrize("address", ["a\nb@down.test", "a\0b@down.test", "a\x1b@down.test"])
async def test_an_envelope_with_controls_is_not_put_back(
    exim: Exim, server: EximServer, address: str
) -> None:
    for sender, recipient in ((address, "u@down.test"), ("ben@lab.test", address)):
        copy = StoredMessage("1aaaaa-000000-aa", sender, (recipient,), b"Subject: x\n\nx\n")
        with pytest.raises(ServerRefusedError, match="envelope"):
            await server.reinject(copy)
    assert exim.ids() == []


async def test_the_log_of_a_message(exim: Exim, server: EximServer) -> None:
    queue_id = exim.put("u@down.test")
    exim.run("-M", queue_id)
    lines = await server.fetch_message_log(queue_id)
    assert "Received from anna@lab.test" in lines[0]
    assert any("Connection refused" in line for line in lines)
    for wrong in ("1aaaaa-000000-aa", "-bd", ""):
        with pytest.raises(ServerRefusedError):
            await server.fetch_message_log(wrong)


async def test_routing(server: EximServer) -> None:
    (route,) = await server.test_routing("u@good.test")
    assert (route.outcome, route.router, route.transport) == ("delivers", "away", "hop")
    assert route.hosts == ("127.0.0.1 [127.0.0.1]",)
    outcomes = {
        "bounceme@lab.test": ("undeliverable", "mailbox closed"),
        "later@lab.test": ("deferred", "quota check not reachable"),
        "u@unroutable.test": ("undeliverable", "Unrouteable address"),
        "-bd@unroutable.test": ("undeliverable", "Unrouteable address"),
        "a b c": ("invalid", 'missing or malformed local part (expected word or "<")'),
    }
    for address, expected in outcomes.items():
        (route,) = await server.test_routing(address)
        assert (route.outcome, route.reason) == expected
    routes = await server.test_routing("team@lab.test")
    assert {(r.address, r.came_from) for r in routes} == {
        ("anna@lab.test", ("team@lab.test",)),
        ("u@down.test", ("team@lab.test",)),
    }
    with pytest.raises(UsageError):
        await server.test_routing("a\nb@good.test")


async def test_a_pretended_session(exim: Exim, server: EximServer) -> None:
    envelope = SessionEnvelope("client.test", "a@b.test", ("nobody@lab.test", "u@good.test"))
    session = await server.fake_session("192.0.2.5", envelope)
    assert session.refused
    codes = [(reply.command, reply.code) for reply in session.replies]
    assert codes[0] == ("", 220)
    assert codes[3:5] == [("RCPT TO:<nobody@lab.test>", 550), ("RCPT TO:<u@good.test>", 550)]
    assert any(
        "accept hosts" in line or "check hosts = 127.0.0.1" in line for line in session.explanation
    )
    assert any("rejected RCPT <nobody@lab.test>: no such user" in line for line in session.log)
    allowed = await server.fake_session("127.0.0.1", replace(envelope, recipients=("u@good.test",)))
    assert not allowed.refused
    with pytest.raises(UsageError):
        await server.fake_session("1.2.3.4 -bd", envelope)
    assert exim.ids() == []


async def test_deleted_messages_come_back_and_no_other_was_touched(
    exim: Exim, server: EximServer, tmp_path: Path
) -> None:
    doomed = [exim.put(f"u{n}@down.test", raw=HOSTILE) for n in range(3)]
    kept = exim.put("other@down.test")
    actions = QueueActions(server, exim.profile(), Journal(tmp_path / "journal"))
    rows = [entry for queue_id, entry in (await listed(server)).items() if queue_id in doomed]
    preview = actions.preview(QueueAction.DELETE, rows)
    outcome = await actions.run(QueueAction.DELETE, rows, preview.confirm(preview.typed_name))
    assert (outcome.ok, outcome.failed) == (3, ())
    assert exim.ids() == [kept]
    undone = await undo(actions, server, outcome.activity)
    assert undone.ok == 3
    back = await listed(server)
    assert len(back) == 4
    assert {r.address for e in back.values() for r in e.recipients} == {
        "u0@down.test", "u1@down.test", "u2@down.test", "other@down.test",
    }  # fmt: skip
    assert all(any(i in result.message for i in back) for result in undone.results)


async def read(server: EximServer, **limits: datetime) -> list[LogRecord]:
    return [r async for batch in server.read_log(**limits) for r in batch]


async def test_main_reject_and_panic_log_as_one(exim: Exim, server: EximServer) -> None:
    queue_id = exim.put("u@down.test")
    exim.run("-M", queue_id)
    with (
        contextlib.suppress(smtplib.SMTPRecipientsRefused),
        smtplib.SMTP("127.0.0.1", exim.port) as client,
    ):
        client.sendmail("a@b.test", ["nobody@lab.test"], "x")
    exim.wait_for("rejected RCPT", log="reject")
    records = await read(server)
    refused = [r for r in records if "no such user" in r.raw and "F=<a@b.test>" in r.raw]
    assert len(refused) == 1, "the reject log repeats it"
    own = [r for r in records if r.queue_id == queue_id]
    assert any("<= anna@lab.test" in r.raw for r in own)
    assert any("Connection refused" in r.raw for r in own)
    assert all(r.time is not None and r.file for r in own)
    assert own[0].line is not None
    times = [r.time for r in records if r.time]
    assert times == sorted(times)


async def test_rotated_and_compressed_logs_by_age(exim: Exim, server: EximServer) -> None:
    now = time.time()
    log = exim.log()
    text = log.read_bytes()
    old = {"mainlog.10.gz": ("2026-01-01", 90), "mainlog.9.gz": ("2026-02-01", 60), "mainlog.1": ("2026-03-01", 30)}  # fmt: skip
    try:
        for name, (day, days) in old.items():
            line = f"{day} 10:00:00 1rABcd-000DEF-99 Completed\n".encode()
            path = log.with_name(name)
            path.write_bytes(gzip.compress(line) if name.endswith("gz") else line)
            os.utime(path, (now - days * 86_400,) * 2)
        log.with_name("mainlogs-of-others").write_text("2026-01-01 10:00:00 nothing of ours\n")
        days = [r.raw[:10] for r in await read(server) if "1rABcd-000DEF-99" in r.raw]
        assert days == ["2026-01-01", "2026-02-01", "2026-03-01"]
        since = datetime.fromtimestamp(now - 45 * 86_400, UTC)
        files = {r.file for r in await read(server, since=since)}
        assert not any(f and f.endswith(("10.gz", "9.gz", "others")) for f in files)
    finally:
        for path in [*map(log.with_name, old), log.with_name("mainlogs-of-others")]:
            path.unlink()
    assert log.read_bytes() == text


async def test_the_log_is_followed_across_rotation(exim: Exim, server: EximServer) -> None:
    got: list[str] = []

    async def follow() -> None:
        async for batch in server.follow_log():
            got.extend(record.raw for record in batch)

    owner = TaskOwner("test")
    owner.spawn("follow", follow())
    try:
        await asyncio.sleep(0.5)
        first = exim.put("u@down.test")
        await until(lambda: any(first in line for line in got))
        exim.log().rename(exim.log().with_name("mainlog.1"))
        second = exim.put("u@down.test")
        await until(lambda: any(second in line for line in got))
        exim.log("panic").write_text("2026-03-01 10:00:00 a panic of the test\n")
        await until(lambda: any("a panic of the test" in line for line in got))
    finally:
        await owner.close()
        exim.log("panic").unlink()
    assert sum(f"{first} <=" in line for line in got) == 1


async def test_a_panic_log_is_something_to_fix(exim: Exim, server: EximServer) -> None:
    assert await server.advice() == []
    exim.log("panic").write_text("2026-03-01 10:00:00 Cannot open main log \x1b[2J\n")
    try:
        (advice,) = await server.advice()
    finally:
        exim.log("panic").unlink()
    assert advice.severity == "fail"
    assert "Cannot open main log" in advice.summary
    assert "\x1b" not in advice.summary


async def test_of_three_hundred_exactly_those_of_the_filter_go_and_come_back(
    exim: Exim, server: EximServer, tmp_path: Path
) -> None:
    exim.put_many(200, "stay{n}@down.test")
    exim.put_many(100, "go{n}@down.test")
    rows = await listed(server)
    assert len(rows) == 300
    chosen = [e for e in rows.values() if e.recipients[0].address.startswith("go")]
    reused = replace(chosen[0], sender="another@lab.test")  # what the ID stood for when it was seen
    actions = QueueActions(server, exim.profile(), Journal(tmp_path / "journal"))
    preview = actions.preview(QueueAction.DELETE, [*chosen[1:], reused])
    outcome = await actions.run(
        QueueAction.DELETE, preview.entries, preview.confirm(preview.typed_name)
    )
    assert outcome.ok == 99
    assert [r.queue_id for r in outcome.failed] == [reused.queue_id]
    left = await listed(server)
    assert set(left) == set(rows) - {e.queue_id for e in chosen[1:]}
    undone = await undo(actions, server, outcome.activity)
    assert undone.ok == 99
    back = await listed(server)
    assert sorted(e.recipients[0].address for e in back.values()) == sorted(
        e.recipients[0].address for e in rows.values()
    )
    assert all(r.message.removeprefix("queued again as ") in back for r in undone.results)


async def test_the_new_id_is_found_behind_a_long_header_too(exim: Exim, server: EximServer) -> None:
    exim.put("u@down.test", "ben@lab.test")
    raw = b"From: a@lab.test\nX-Big: " + b"y" * 300_000 + b"\n\nbody\n"
    new_id = await server.reinject(
        StoredMessage("1aaaaa-000000-aa", "ben@lab.test", ("u@down.test",), raw)
    )
    assert new_id in exim.ids()
    assert b"X-Big" in (await server.fetch_message(new_id)).raw


async def test_a_named_queue(exim: Exim, server: EximServer) -> None:
    moved, stays = exim.put("u@down.test"), exim.put("u@down.test")
    exim.run("-MG", "slow", moved)
    named = EximServer(exim.profile(queue="slow"), {})
    try:
        assert set(await listed(named)) == {moved}
        assert set(await listed(server)) == {stays}
        assert (await named.queue_counts()).total == 1
        assert await act(named, QueueAction.HOLD, moved) == {moved: (True, "")}
        message = await named.fetch_message(moved)
        assert message.recipients == ("u@down.test",)
        assert await named.fetch_message_log(moved)
        assert (await act(named, QueueAction.RETRY, moved))[moved][0]
        assert await act(named, QueueAction.DELETE, moved) == {moved: (True, "")}
        new_id = await named.reinject(message)
        assert new_id in await listed(named)
    finally:
        for queue_id in await listed(named):
            exim.run("-qGslow", "-Mrm", queue_id)
        await named.close()
    assert stays in exim.ids()


async def test_settings_that_would_be_options_are_refused(exim: Exim) -> None:
    for wrong in ({"config": "-bd"}, {"queue": "-x"}, {"binary": "-C"}, {"queue": "a\nb"}):
        server = EximServer(exim.profile(**wrong), {})
        with pytest.raises(UsageError):
            await server.probe()
        await server.close()
