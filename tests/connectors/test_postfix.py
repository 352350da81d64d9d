"""The whole connector, on real instances with short and long queue IDs."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smtpadmin.connectors.postfix import Postfix
from smtpadmin.model.errors import (
    NotPermittedError,
    ServerRefusedError,
    SmtpadminError,
    UnreachableError,
    UsageError,
)
from smtpadmin.model.log import LogRecord
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import ActionResult, QueueAction, QueueEntry, StoredMessage
from smtpadmin.transport.local import LocalRunner
from tests.servers.postfix import PostfixInstance, PostfixLab, running_postfix
from tests.servers.sshd import account, sshd_running

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def lab() -> Iterator[PostfixLab]:
    with running_postfix() as running:
        yield running


@pytest.fixture(params=["short", "long"])
def server(request: pytest.FixtureRequest, lab: PostfixLab) -> PostfixInstance:
    instance: PostfixInstance = getattr(lab, request.param)
    instance.empty()
    return instance


@pytest.fixture
def one(lab: PostfixLab) -> PostfixInstance:
    """For what is the same with both kinds of queue ID."""
    lab.short.empty()
    return lab.short


def profile_of(instance: PostfixInstance | str, **changes: str) -> Profile:
    where = instance if isinstance(instance, str) else str(instance.etc)
    settings = {"access": "local", "instance": where}
    return Profile("u", "mx1", "postfix", settings=settings, **changes)


def connect(instance: PostfixInstance | str, **changes: str) -> Postfix:
    return Postfix(profile_of(instance, **changes), {})


async def listed(postfix: Postfix) -> dict[str, QueueEntry]:
    found: dict[str, QueueEntry] = {}
    async for batch in postfix.list_queue():
        found.update((entry.queue_id, entry) for entry in batch)
    return found


def deferred(instance: PostfixInstance, count: int = 1, **message: str) -> list[str]:
    ids = [instance.send(f"user{n}@down.test", **message) for n in range(count)]
    instance.wait_for("deferred", *ids)
    return ids


async def act_on(
    postfix: Postfix, action: QueueAction, ids: Sequence[str]
) -> dict[str, ActionResult]:
    entries = await listed(postfix)
    results = await postfix.act(action, [entries[queue_id] for queue_id in ids])
    assert [result.queue_id for result in results] == list(ids)
    return {result.queue_id: result for result in results}


# Probe and facts


async def test_probe(server: PostfixInstance, lab: PostfixLab) -> None:
    found = await connect(server).probe()
    assert found.software == "Postfix"
    assert found.version[0].isdigit()
    assert found.path == "local"
    assert found.facts["Host name"] == f"{server.name}.lab.test"
    assert found.facts["Instance"] == server.instance_name
    assert found.facts["Configuration"] == str(server.etc)
    assert found.facts["Queue IDs"] == server.name
    assert found.facts["Log"] == str(server.log)
    assert found.facts["Account may"] == "root: everything"
    assert found.facts["Queue lifetime"] == "5d"
    names = {lab.short.instance_name, lab.long.instance_name}
    assert names <= set(found.facts["Instances"].split(", "))


@pytest.mark.parametrize("prefix", ["postfix-", ""])
async def test_an_instance_by_name(lab: PostfixLab, prefix: str) -> None:
    postfix = connect(prefix + lab.long.instance_name.removeprefix("postfix-"))
    assert (await postfix.probe()).facts["Configuration"] == str(lab.long.etc)
    assert str(lab.long.etc) in postfix.offers()[0].commands[0]


async def test_an_instance_that_is_not_there_names_those_that_are(lab: PostfixLab) -> None:
    with pytest.raises(UsageError, match=lab.long.instance_name):
        await connect("nosuch").probe()
    with pytest.raises(ServerRefusedError, match="No such file or directory"):
        await connect("/nonexistent").probe()


async def test_advice_names_short_ids(lab: PostfixLab) -> None:
    words = [advice.summary for advice in await connect(lab.short).advice()]
    assert any("Queue IDs are short" in text for text in words)
    words = [advice.summary for advice in await connect(lab.long).advice()]
    assert not any("Queue IDs are short" in text for text in words)


# Listing


async def test_every_queue_is_listed(server: PostfixInstance) -> None:
    waiting = server.send(["x@down.test", "y@tempfail.test"])
    held = server.send("z@hold.test", sender="")
    slow = server.send("s@slow.test")
    server.wait_for("deferred", waiting)
    server.wait_for("active", slow)
    entries = await listed(connect(server))
    assert {i: e.queue for i, e in entries.items()} == {
        waiting: "deferred", held: "hold", slow: "active",
    }  # fmt: skip
    assert entries[held].sender == ""
    reasons = {r.address: r.reason for r in entries[waiting].recipients}
    assert "Connection refused" in (reasons["x@down.test"] or "")
    assert "450 4.3.0" in (reasons["y@tempfail.test"] or "")
    arrived = entries[waiting].arrived
    assert arrived is not None
    assert abs(datetime.now(UTC) - arrived) < timedelta(minutes=1)
    assert (entries[waiting].server, entries[waiting].tries) == ("mx1", None)
    counts = await connect(server).queue_counts()
    assert counts.by_queue == {"deferred": 1, "hold": 1, "active": 1}


async def test_delivered_recipients_are_no_longer_listed(one: PostfixInstance) -> None:
    queue_id = one.send(["x@down.test", "ben@lab.test"])
    one.wait_for("deferred", queue_id)
    entry = (await listed(connect(one)))[queue_id]
    assert [r.address for r in entry.recipients] == ["x@down.test"]
    message = await connect(one).fetch_message(queue_id)
    assert message.recipients == ("x@down.test",)
    assert list((one.mailboxes / "ben/new").iterdir())


async def test_the_old_listing_gives_the_same(
    server: PostfixInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.wait_for("deferred", server.send(["x@down.test", "y@tempfail.test"], sender=""))
    server.send("z@hold.test")
    new = await listed(connect(server))
    run = LocalRunner.start

    def old(self: LocalRunner, argv: Sequence[str], **options: object) -> object:
        if argv[0] == "postqueue" and argv[-1] == "-j":
            text = "echo 'postqueue: fatal: usage: postqueue -f | -i | -p | -s' >&2; exit 64"
            argv = ("sh", "-c", text)
        return run(self, argv, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalRunner, "start", old)
    postfix = connect(server)
    assert await listed(postfix) == new
    assert (await postfix.queue_counts()).total == 2


async def test_when_postfix_is_down(one: PostfixInstance) -> None:
    held = one.send("z@hold.test")
    one.stop()
    try:
        assert list(await listed(connect(one))) == [held], "root reads the queue directly"
        plain = connect(one, prefix="setpriv --reuid=nobody --regid=nogroup --clear-groups")
        with pytest.raises(UnreachableError, match="the mail system is down"):
            await listed(plain)
        with pytest.raises(UnreachableError, match="the mail system is down"):
            await plain.queue_counts()
    finally:
        one.start()


# Actions


async def test_hold_and_release(server: PostfixInstance) -> None:
    ids = deferred(server, 3)
    postfix = connect(server)
    held = await act_on(postfix, QueueAction.HOLD, ids[:2])
    assert all(r.ok and r.message == "placed on hold" for r in held.values())
    assert sorted(server.ids("hold")) == sorted(ids[:2])
    again = await act_on(postfix, QueueAction.HOLD, ids[:1])
    assert again[ids[0]].message == "was held already"
    released = await act_on(postfix, QueueAction.RELEASE, ids)
    assert [released[i].ok for i in ids] == [True, True, False]
    assert released[ids[2]].message == "was not held"
    assert sorted(server.ids("deferred")) == sorted(ids)


async def test_delete(server: PostfixInstance) -> None:
    ids = deferred(server, 3)
    results = await act_on(connect(server), QueueAction.DELETE, ids[:2])
    assert all(r.ok and r.message == "removed" for r in results.values())
    assert server.ids() == ids[2:]


async def test_delete_what_is_being_delivered(one: PostfixInstance) -> None:
    queue_id = one.send("s@slow.test")
    one.wait_for("active", queue_id)
    results = await act_on(connect(one), QueueAction.DELETE, [queue_id])
    assert results[queue_id].ok
    assert one.ids() == []


async def test_retry(one: PostfixInstance) -> None:
    (queue_id,) = deferred(one)
    held = one.send("z@hold.test")
    before = one.log.read_text().count(f"{queue_id}: to=")
    results = await act_on(connect(one), QueueAction.RETRY, [queue_id, held])
    assert results[queue_id].ok
    assert not results[held].ok
    assert "release it first" in results[held].message
    deadline = time.monotonic() + 10
    while one.log.read_text().count(f"{queue_id}: to=") == before:
        assert time.monotonic() < deadline, "it was not tried again"
        await asyncio.sleep(0.05)


async def test_requeue_gives_a_new_id(server: PostfixInstance) -> None:
    (queue_id,) = deferred(server)
    results = await act_on(connect(server), QueueAction.REQUEUE, [queue_id])
    assert results[queue_id].ok
    server.run("postkick", "public", "pickup", "W")  # by itself it looks once a minute
    deadline = time.monotonic() + 10
    while not (now := server.ids("deferred")):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert now != [queue_id]
    assert f"orig_id={queue_id}" in server.log.read_text()


async def test_bounce_returns_it_to_the_sender(server: PostfixInstance) -> None:
    (queue_id,) = deferred(server)
    (nobody,) = deferred(server, sender="")
    results = await act_on(connect(server), QueueAction.BOUNCE, [queue_id, nobody])
    assert all(result.ok for result in results.values())
    assert "null sender" in results[nobody].message
    deadline = time.monotonic() + 15
    while server.ids() or f"{queue_id}: sender non-delivery" not in server.log.read_text():
        assert time.monotonic() < deadline, server.log.read_text()
        await asyncio.sleep(0.05)
    bounces = [p.read_text() for p in (server.mailboxes / "anna/new").iterdir()]
    assert any(f"X-Postfix-Queue-ID: {queue_id}" in text for text in bounces)


async def test_ids_that_are_gone_or_no_ids_at_all(one: PostfixInstance) -> None:
    (queue_id,) = deferred(one)
    entry = (await listed(connect(one)))[queue_id]
    hostile = ["-d", "ALL", "$(reboot)", "A1B2C3\nALL", "../../etc/x", "", "é" * 8, "A" * 50]
    entries = [entry, *(replace(entry, queue_id=i) for i in ("0123456789AB", *hostile))]
    results = await connect(one).act(QueueAction.DELETE, entries)
    assert [r.ok for r in results] == [True] + [False] * (1 + len(hostile))
    assert results[1].message == "no longer in the queue"
    assert {r.message for r in results[2:]} == {"this is no queue ID of Postfix"}


async def test_nothing_is_acted_on_that_is_not_what_was_seen(one: PostfixInstance) -> None:
    (queue_id,) = deferred(one)
    entry = (await listed(connect(one)))[queue_id]
    assert entry.arrived is not None
    assert entry.size is not None
    for other in (
        replace(entry, size=entry.size + 1),
        replace(entry, sender="eve@lab.test"),
        replace(entry, arrived=entry.arrived + timedelta(seconds=1)),
    ):
        for action in QueueAction:
            (result,) = await connect(one).act(action, [other])
            assert not result.ok
            assert result.message == "the queue ID now belongs to another message"
    assert one.ids("deferred") == [queue_id]


class Interrupting(LocalRunner):
    """Does something to the queue just before the command with that last argument but one runs."""

    def __init__(self, option: str, interrupt: object) -> None:
        super().__init__()
        self._option, self._interrupt = option, interrupt

    @contextlib.asynccontextmanager
    async def start(self, argv: Sequence[str], **options: object) -> AsyncIterator[object]:  # type: ignore[override]
        if self._option in argv and self._interrupt is not None:
            interrupt, self._interrupt = self._interrupt, None
            interrupt()  # type: ignore[operator]
        async with super().start(argv, **options) as running:  # type: ignore[arg-type]
            yield running


@pytest.mark.parametrize("action", [QueueAction.DELETE, QueueAction.BOUNCE, QueueAction.REQUEUE])
async def test_an_id_that_is_used_again_between_listing_and_action_is_never_hit(
    one: PostfixInstance, action: QueueAction
) -> None:
    """The queue file is replaced by another message with the same ID, right before the first
    command that changes anything: as if the first had been delivered, and its ID used again."""
    (seen,) = deferred(one)
    stranger = one.send("user1@down.test", body="another message\n")
    one.wait_for("deferred", stranger)
    spool = one.folder / "spool/deferred"

    def use_again() -> None:
        files = {p.name: p for p in spool.rglob("*") if p.is_file()}
        files[stranger].replace(files[seen])

    entries = await listed(connect(one))
    postfix = Postfix(profile_of(one), {}, runner=Interrupting("-h", use_again))
    (result,) = await postfix.act(action, [entries[seen]])
    assert not result.ok
    assert result.message == "the queue ID now belongs to another message"
    assert one.ids("deferred") == [seen], "the stranger is there, and not on hold"
    message = await connect(one).fetch_message(seen)
    assert message.recipients == ("user1@down.test",), "it is the stranger"


async def test_a_message_that_left_in_between_takes_no_other_with_it(one: PostfixInstance) -> None:
    first, second, third = deferred(one, 3)
    entries = await listed(connect(one))
    runner = Interrupting("-h", lambda: one.run("postsuper", "-d", first, "-r", second))
    postfix = Postfix(profile_of(one), {}, runner=runner)
    results = await postfix.act(QueueAction.DELETE, [entries[i] for i in (first, second, third)])
    assert [r.ok for r in results] == [False, False, True]
    one.run("postkick", "public", "pickup", "W")
    deadline = time.monotonic() + 10
    while len(one.ids("deferred")) != 1:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert one.ids("deferred")[0] not in (first, second, third), "the requeued one is still there"


# Messages


async def test_a_message_comes_whole(server: PostfixInstance) -> None:
    raw = (
        b"Subject: =?utf-8?b?w6k=?= $(reboot) \x1b[31m\xff\r\n\r\n"
        b"*** HEADER EXTRACTED hold/X ***\r\n.\r\n" + b"x" * 3_000 + b"\r\nFrom here\r\n"
    )
    queue_id = server.send("z@hold.test", sender="", raw=raw)
    message = await connect(server).fetch_message(queue_id)
    assert (message.queue_id, message.sender, message.recipients) == (
        queue_id,
        "",
        ("z@hold.test",),
    )
    _, _, body = message.raw.partition(b"\n\n")
    assert body == raw.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n")
    assert b"$(reboot) \x1b[31m\xff" in message.raw


async def test_a_header_of_ten_megabytes(one: PostfixInstance) -> None:
    raw = b"Subject: hello\r\nX-Big: " + b"y " * 5_000_000 + b"\r\n\r\nbody\r\n"
    queue_id = one.send("z@hold.test", raw=raw)
    message = await connect(one).fetch_message(queue_id)
    assert len(message.raw) > 9_900_000
    assert message.raw.endswith(b"\nbody\n")


async def test_envelope_and_client_of_a_message(one: PostfixInstance) -> None:
    queue_id = one.send(["x@down.test", "ben@lab.test"])
    one.wait_for("deferred", queue_id)
    file = await connect(one).queue_file(queue_id)
    assert (file.queue, file.done) == ("deferred", ("ben@lab.test",))
    assert file.attributes["client_address"] == "127.0.0.1"


async def test_a_message_that_is_gone_and_an_id_that_is_none(one: PostfixInstance) -> None:
    with pytest.raises(ServerRefusedError, match="no longer in the queue"):
        await connect(one).fetch_message("0123456789AB")
    with pytest.raises(UsageError):
        await connect(one).fetch_message("-v")


@pytest.mark.parametrize(
    "sender", ["anna@lab.test", "", '"odd $(id) \\"name"@lab.test', '"\'; reboot"@lab.test']
)
async def test_a_deleted_message_is_put_back(server: PostfixInstance, sender: str) -> None:
    queue_id = server.send(["x@down.test", "ben@lab.test"], sender=sender)
    server.wait_for("deferred", queue_id)
    postfix = connect(server)
    entry = (await listed(postfix))[queue_id]
    message = await postfix.fetch_message(queue_id)
    assert (await postfix.act(QueueAction.DELETE, [entry]))[0].ok
    new_id = await postfix.reinject(message)
    server.wait_for("deferred", new_id)
    back = (await listed(postfix))[new_id]
    assert back.sender == entry.sender
    assert [r.address for r in back.recipients] == ["x@down.test"], "ben has it already"
    again = (await postfix.fetch_message(new_id)).raw
    assert again.endswith(message.raw), "the octets, with one Received field above"


async def test_many_recipients_go_in_several_commands(one: PostfixInstance) -> None:
    recipients = tuple(f"{'r' * 50}{n:05}@hold.test" for n in range(3_000))
    message = StoredMessage("X", "", recipients, b"Subject: x\n\nbody\n")
    postfix = connect(one)
    one.run("postconf", "defer_transports=smtp")
    one.run("postfix", "reload")
    try:
        await postfix.reinject(message)
        deadline = time.monotonic() + 20
        while True:
            entries = await listed(postfix)
            addresses = [r.address for e in entries.values() for r in e.recipients]
            if len(addresses) == len(recipients):
                break
            assert time.monotonic() < deadline, len(addresses)
            await asyncio.sleep(0.1)
        assert sorted(addresses) == sorted(recipients)
        assert len(entries) > 1
    finally:
        one.run("postconf", "-X", "defer_transports")
        one.run("postfix", "reload")
        one.empty()


async def test_what_cannot_be_put_back(one: PostfixInstance) -> None:
    postfix = connect(one)
    for recipients in ((), ("a@b\nc@d",), ("",)):
        with pytest.raises(UsageError):
            await postfix.reinject(StoredMessage("X", "", recipients, b"x\n"))
    assert one.ids() == []


# Log


async def records_of(stream: AsyncIterator[Sequence[LogRecord]]) -> list[LogRecord]:
    return [record async for batch in stream for record in batch]


async def test_the_log_with_rotated_and_compressed_files(server: PostfixInstance) -> None:
    (queue_id,) = deferred(server)
    server.run("postfix", "logrotate")
    deadline = time.monotonic() + 10
    while not list(server.log.parent.glob("mail.log.*.gz")):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    (other,) = deferred(server)
    records = await records_of(connect(server).read_log())
    lines = [r for r in records if r.queue_id in (queue_id, other) and r.event == "delivery"]
    assert [r.queue_id for r in lines][:1] == [queue_id]
    assert lines[-1].queue_id == other
    assert (lines[0].file or "").endswith(".gz")
    assert lines[-1].file == str(server.log)
    assert lines[-1].time is not None
    assert abs(lines[-1].time - datetime.now(UTC)) < timedelta(minutes=1)
    later = datetime.now(UTC) + timedelta(hours=2)
    assert await records_of(connect(server).read_log(since=later)) == []
    assert await records_of(connect(server).read_log(until=later - timedelta(days=1))) == []


async def test_following_the_log_across_its_rotation(one: PostfixInstance) -> None:
    seen: list[str | None] = []

    async def follow() -> None:
        async for batch in connect(one).follow_log():
            seen.extend(record.queue_id for record in batch)

    async def wait_for(queue_id: str) -> None:
        deadline = time.monotonic() + 15
        while queue_id not in seen:
            assert time.monotonic() < deadline, (queue_id, seen)
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        following = group.create_task(follow())
        await asyncio.sleep(1.0)
        await wait_for(one.send("x@down.test"))
        one.log.rename(one.log.with_suffix(".log.1"))
        one.run("postfix", "reload")
        await asyncio.sleep(1.5)
        await wait_for(one.send("x@down.test"))
        following.cancel()


# Over SSH


PLAIN = ("postqueue", "-j")


async def test_over_ssh_with_a_plain_account_and_with_the_rules_we_wrote(
    one: PostfixInstance,
) -> None:
    with sshd_running() as sshd, account(sshd) as user:
        made = replace(sshd.profile(user), settings={
            **sshd.profile(user).settings, "instance": str(one.etc),
        })  # fmt: skip
        (queue_id,) = deferred(one)
        postfix = Postfix(made, {})
        try:
            found = await postfix.probe()
            assert found.facts["Account may"] == f"{user.name}: list, retry"
            entry = (await listed(postfix))[queue_id]
            offers = {offer.action: offer for offer in postfix.offers()}
            assert offers[QueueAction.RETRY].available
            for action in set(QueueAction) - {QueueAction.RETRY}:
                assert not offers[action].available
                assert (
                    f"{user.name} ALL=(root) NOPASSWD: /usr/sbin/postsuper"
                    in offers[action].why_not
                )
            assert (await postfix.act(QueueAction.RETRY, [entry]))[0].ok
            for call in (postfix.act(QueueAction.DELETE, [entry]), postfix.fetch_message(queue_id)):
                with pytest.raises(NotPermittedError, match=r"NOPASSWD: /usr/sbin/post"):
                    await call
            assert one.ids("deferred") == [queue_id]
            assert any("NOPASSWD" in advice.fix for advice in await postfix.advice())
            await with_the_rules(postfix, user.name, one, queue_id)
        finally:
            await postfix.close()


async def with_the_rules(postfix: Postfix, name: str, one: PostfixInstance, queue_id: str) -> None:
    one.log.chmod(0o600)
    rules = Path("/etc/sudoers.d/smtpadmin-test-postfix")
    rules.write_text(await postfix.sudoers())
    rules.chmod(0o440)
    try:
        subprocess.run(["/usr/sbin/visudo", "-cqf", str(rules)], check=True)
        found = await postfix.probe()
        assert "postsuper" in found.facts["Account may"]
        assert all(offer.available for offer in postfix.offers())
        assert "sudo -n postsuper" in postfix.offers()[1].commands[1]
        message = await postfix.fetch_message(queue_id)
        assert b"Subject: hello" in message.raw
        for action in (QueueAction.HOLD, QueueAction.RELEASE, QueueAction.DELETE):
            results = await act_on(postfix, action, [queue_id])
            assert results[queue_id].ok, results
        assert one.ids() == []
        new_id = await postfix.reinject(message)
        one.wait_for("deferred", new_id)
        records = await records_of(postfix.read_log())
        assert any(record.queue_id == queue_id for record in records)
        assert not await postfix.advice() or all(
            "NOPASSWD" not in advice.fix for advice in await postfix.advice()
        )
    finally:
        rules.unlink()
        one.log.chmod(0o644)


async def test_the_connection_is_cut_while_the_queue_is_listed(one: PostfixInstance) -> None:
    deferred(one, 2)
    with sshd_running() as sshd, account(sshd) as user:
        made = replace(sshd.profile(user), settings={
            **sshd.profile(user).settings, "instance": str(one.etc),
        })  # fmt: skip
        postfix = Postfix(made, {})
        assert len(await listed(postfix)) == 2
        sshd.stop()
        with pytest.raises(SmtpadminError):
            await listed(postfix)
        await postfix.close()
