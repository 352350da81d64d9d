from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from smtpadmin.connectors._postfix_commands import PostfixCommands
from smtpadmin.connectors._postfix_queue import PostfixQueue
from smtpadmin.model.errors import NotPermittedError, ProtocolError, UnreachableError
from smtpadmin.model.profile import Profile
from smtpadmin.model.queue import QueueEntry
from smtpadmin.transport.scripted import Answer, ScriptedRunner

SETTINGS = Answer(b"mail_version = 3.7.11\nempty_address_recipient = MAILER-DAEMON\n")
JSON, OLD = ("postqueue", "-j"), ("postqueue", "-p")


def line(number: int, queue: str = "deferred") -> bytes:
    return json.dumps({
        "queue_name": queue, "queue_id": f"{number:011X}", "arrival_time": 1_795_445_581,
        "message_size": 2_855, "forced_expire": False, "sender": "MAILER-DAEMON",
        "recipients": [{"address": "a@down.test", "delay_reason": "refused"}],
    }).encode() + b"\n"  # fmt: skip


def queue(listing: Answer, old: Answer | None = None) -> tuple[PostfixQueue, ScriptedRunner]:
    runner = ScriptedRunner({
        JSON: listing, OLD: old or Answer(status=1),
        ("postconf", "..."): SETTINGS, ("date", "+%z"): Answer(b"+0200\n"),
    })  # fmt: skip
    return PostfixQueue(PostfixCommands(runner, Profile("u", "mx1", "postfix"))), runner


async def batches(source: PostfixQueue) -> list[Sequence[QueueEntry]]:
    return [batch async for batch in source.batches()]


async def test_a_batch_for_what_arrives_whole_lines_only() -> None:
    text = line(1) + line(2) + line(3)
    source, _ = queue(Answer((text[:10], text[10:350], text[350:])))
    found = await batches(source)
    assert [len(batch) for batch in found] == [1, 2]
    assert [e.queue_id for batch in found for e in batch] == [f"{n:011X}" for n in (1, 2, 3)]
    assert {e.sender for batch in found for e in batch} == {""}
    assert {e.server for batch in found for e in batch} == {"mx1"}


async def test_the_first_rows_do_not_wait_for_the_last() -> None:
    source, _ = queue(Answer((line(1), line(2)), pause=0.3))
    listing = source.batches()
    began = time.monotonic()
    assert len(await anext(listing)) == 1
    assert time.monotonic() - began < 0.55
    await listing.aclose()


async def test_an_empty_queue_is_no_error() -> None:
    source, _ = queue(Answer(b""))
    assert await batches(source) == []
    assert (await source.counts()).total == 0


@pytest.mark.parametrize(
    "cut",
    [
        Answer(line(1) + line(2)[:60], status=-15),
        Answer(line(1) + line(2)[:60], status=255),
        Answer(line(1) + line(2)[:60]),
        Answer(line(1) + b"\0\0\0\n"),
    ],
)
async def test_a_listing_that_breaks_off_is_an_error_after_what_came(cut: Answer) -> None:
    source, _ = queue(cut)
    found: list[QueueEntry] = []

    async def drain() -> None:
        async for batch in source.batches():
            found.extend(batch)

    with pytest.raises(ProtocolError, match="the listing broke off"):
        await drain()
    assert [entry.queue_id for entry in found] == [f"{1:011X}"]


async def test_a_connection_that_breaks_is_told_as_such() -> None:
    lost = UnreachableError("the connection broke")
    source, _ = queue(Answer(line(1), error=lost))
    with pytest.raises(UnreachableError, match="the connection broke"):
        await batches(source)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(stderr=b"postqueue: fatal: Queue report unavailable - mail system is down\n", status=69), UnreachableError),
        (Answer(stderr=b"postqueue: fatal: User x(7) is not allowed to view the mail queue\n", status=77), NotPermittedError),
        (Answer(stderr=b"sh: postqueue: not found\n", status=127), ProtocolError),
    ],
)  # fmt: skip
async def test_an_error_is_not_an_empty_queue(answer: Answer, kind: type[Exception]) -> None:
    source, _ = queue(answer)
    for asked in (batches(source), source.counts(), source.find({"A1B2C3"})):
        with pytest.raises(kind):
            await asked


async def test_root_is_told_the_queue_even_when_postfix_is_down() -> None:
    warning = b"postqueue: warning: Mail system is down -- accessing queue directly\n"
    source, _ = queue(Answer(line(1), stderr=warning))
    assert len((await batches(source))[0]) == 1


OLD_LISTING = b"""\
-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------
A1B2C3D4E5!    1902 Wed Aug 26 11:20:31  MAILER-DAEMON
                                         held@example.org

-- 2 Kbytes in 1 Request.
"""


async def test_postfix_before_3_1_is_asked_the_old_way_and_only_once_the_new_one() -> None:
    usage = Answer(stderr=b"postqueue: invalid option -- 'j'\n", status=64)
    source, runner = queue(usage, old=Answer(OLD_LISTING))
    ((entry,),) = await batches(source)
    assert (entry.queue_id, entry.queue, entry.server) == ("A1B2C3D4E5", "hold", "mx1")
    assert entry.arrived is not None
    assert entry.arrived.astimezone(UTC).time() == datetime(2026, 8, 26, 9, 20, 31).time()
    assert (await source.counts()).by_queue == {"hold": 1}
    assert source.command == OLD
    assert [asked.argv for asked in runner.asked].count(JSON) == 1


async def test_an_old_listing_that_breaks_off() -> None:
    usage = Answer(stderr=b"postqueue: invalid option -- 'j'\n", status=64)
    source, _ = queue(usage, old=Answer(OLD_LISTING[:160]))
    with pytest.raises(ProtocolError, match="broke off"):
        await batches(source)


async def test_finding_stops_when_all_are_found() -> None:
    source, _ = queue(Answer((line(1) + line(2), line(3)), hangs=True))
    found = await source.find({f"{2:011X}"})
    assert list(found) == [f"{2:011X}"]


async def test_counts_by_queue_read_only_the_head_of_each_line() -> None:
    text = line(1) + line(2, "hold") + line(3, "active") + line(4)
    source, _ = queue(Answer((text[:33], text[33:])))
    assert (await source.counts()).by_queue == {"deferred": 2, "hold": 1, "active": 1}


async def test_a_line_without_end_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtpadmin.connectors._postfix_queue.MOST_LINE", 1_000)
    source, _ = queue(Answer(tuple(b"x" * 600 for _ in range(5))))
    with pytest.raises(ProtocolError, match="a line does not end"):
        await batches(source)


async def test_the_null_sender_can_have_another_name() -> None:
    runner = ScriptedRunner({
        JSON: Answer(line(1).replace(b"MAILER-DAEMON", b"<nobody>")),
        ("postconf", "..."): Answer(b"empty_address_recipient = <nobody>\n"),
    })  # fmt: skip
    source = PostfixQueue(PostfixCommands(runner, Profile("u", "mx1", "postfix")))
    assert (await batches(source))[0][0].sender == ""
