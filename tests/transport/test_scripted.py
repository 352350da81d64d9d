"""The double plays what it was given, fails as told, and remembers what was asked."""

from __future__ import annotations

import time

import pytest

from smtpadmin.model.errors import TotalDeadlineError, UnreachableError
from smtpadmin.transport.scripted import Answer, Asked, ScriptedRunner

BROKEN = UnreachableError("the connection broke")


async def test_pieces_come_one_by_one() -> None:
    runner = ScriptedRunner({("postqueue", "-j"): Answer([b"a\n", b"b\n"], pause=0.05)})
    begun = time.monotonic()
    async with runner.start(["postqueue", "-j"]) as running:
        assert [chunk async for chunk in running.chunks()] == [b"a\n", b"b\n"]
        assert (await running.finish()).status == 0
    assert time.monotonic() - begun >= 0.1


async def test_breaking_off_in_the_middle() -> None:
    runner = ScriptedRunner({("postqueue", "-j"): Answer(b"half", error=BROKEN)})
    async with runner.start(["postqueue", "-j"]) as running:
        chunks = running.chunks()
        assert await anext(chunks) == b"half"
        with pytest.raises(UnreachableError):
            await anext(chunks)


async def test_answers_in_turn_and_by_beginning() -> None:
    runner = ScriptedRunner(
        {
            ("date",): [Answer(b"1"), Answer(b"2")],
            ("postcat", "-q", "..."): Answer(b"message"),
            ("...",): Answer(status=9),
        }
    )
    assert [(await runner.run(["date"])).stdout for _ in range(3)] == [b"1", b"2", b"2"]
    assert (await runner.run(["postcat", "-q", "ABC"])).stdout == b"message"
    assert (await runner.run(["anything"])).status == 9


async def test_what_was_asked() -> None:
    runner = ScriptedRunner({("postsuper", "-d", "-"): Answer()}, where="ssh mx1")
    await runner.run(["postsuper", "-d", "-"], stdin=b"ABC\n", privileged=True)
    assert runner.asked == [Asked(("postsuper", "-d", "-"), b"ABC\n", True)]
    assert runner.where == "ssh mx1"
    await runner.close()
    assert runner.closed


async def test_unreachable_and_hanging() -> None:
    with pytest.raises(UnreachableError):
        await ScriptedRunner({}, unreachable=BROKEN).run(["id"])
    hanging = ScriptedRunner({("id",): Answer(hangs=True)})
    with pytest.raises(TotalDeadlineError):
        await hanging.run(["id"], deadline=0.1)


async def test_unknown_is_127() -> None:
    assert (await ScriptedRunner({}).run(["postqueue"])).status == 127
