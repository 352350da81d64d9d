"""Listings that break off, on recorded answers; whole ones are read in test_exim."""

from __future__ import annotations

import pytest

from smtpadmin.connectors._exim_commands import EximCommands, EximPlace
from smtpadmin.connectors._exim_queue import MOST_IDS, EximQueue
from smtpadmin.model.errors import NotPermittedError, ProtocolError, UnreachableError
from smtpadmin.model.queue import QueueEntry
from smtpadmin.transport.scripted import Answer, ScriptedRunner

ONE = b" 0m   306 1rABcd-000DEF-99 <a@b.test>\n          c@d.test\n\n"
TWO = b" 3h  1.4K 1rABcd-000DEF-98 <> *** frozen ***\n          e@d.test\n\n"
BASE = {
    ("exim9", "-bV"): Answer(b"Exim version 4.96 #2\n"),
    ("exim9", "-Mvl", "..."): Answer(b"Failed to open msglog file\n", status=1),
}


def scripted(**answers: Answer) -> ScriptedRunner:
    return ScriptedRunner({**BASE, **{("exim9", f"-{k}"): a for k, a in answers.items()}})


def queue(runner: ScriptedRunner) -> EximQueue:
    return EximQueue(EximCommands(runner, EximPlace("exim9")), "ex1")


async def test_rows_come_as_they_are_read_wherever_the_pieces_are_cut() -> None:
    pieces = [ONE[:30], ONE[30:] + TWO[:5], TWO[5:]]
    batches = [b async for b in queue(scripted(bpr=Answer(pieces))).entries()]
    assert [[e.queue_id for e in batch] for batch in batches] == [
        ["1rABcd-000DEF-99"],
        ["1rABcd-000DEF-98"],
    ]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (Answer(ONE + TWO[:60], error=UnreachableError("the server went down")), UnreachableError, "went down"),
        (Answer(ONE, status=-9), ProtocolError, "exit status -9"),
        (Answer(ONE, b"exim: \x1b[2J out of memory\n", status=1), ProtocolError, "out of memory"),
        (Answer(b"", b"exim: permission denied\n", status=1), NotPermittedError, "no administrator"),
        (Answer(b"", b"sudo: a password is required\n", status=1), NotPermittedError, "no administrator"),
    ],
)  # fmt: skip
async def test_what_breaks_off_is_no_queue(
    answer: Answer, error: type[Exception], words: str
) -> None:
    got: list[QueueEntry] = []

    async def read() -> None:
        async for batch in queue(scripted(bpr=answer)).entries():
            got.extend(batch)

    with pytest.raises(error, match=words) as caught:
        await read()
    assert "\x1b" not in str(caught.value)
    assert all(entry.queue_id == "1rABcd-000DEF-99" for entry in got), "no row that is half a row"


@pytest.mark.parametrize("said", [b"", b"many\n", b"-1\n", b"9" * 40])
async def test_a_count_that_is_none(said: bytes) -> None:
    with pytest.raises(ProtocolError):
        await queue(scripted(bpc=Answer(said))).counts()
    assert (await queue(scripted(bpc=Answer(b"17\n"))).counts()).total == 17


async def test_those_that_are_gone_are_not_among_the_named() -> None:
    gone = b"      1rABcd-000DEF-97\n    *** spool read error: No such file or directory ***\n\n"
    runner = ScriptedRunner({**BASE, ("exim9", "-bp", "..."): Answer(ONE + gone)})
    found = await queue(runner).named(["1rABcd-000DEF-99", "1rABcd-000DEF-97"])
    assert list(found) == ["1rABcd-000DEF-99"]


async def test_many_ids_go_in_several_commands() -> None:
    runner = ScriptedRunner({**BASE, ("exim9", "-bp", "..."): Answer(b"")})
    await queue(runner).named([f"1rABcd-{n:06}-99" for n in range(2 * MOST_IDS + 1)])
    sizes = [len(asked.argv) - 2 for asked in runner.asked if asked.argv[1] == "-bp"]
    assert sizes == [MOST_IDS, MOST_IDS, 1]
