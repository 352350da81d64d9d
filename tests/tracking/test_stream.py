"""One pass for many IDs gives what a window for each gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.make_exim_log import EximWorld
from benchmarks.make_log import World, write
from smtpadmin.model.tracking import TrackCriteria
from smtpadmin.tracking import exim_lines, postfix_lines, search, stream
from smtpadmin.tracking.dialect import Dialect
from smtpadmin.tracking.log_text import open_text
from smtpadmin.tracking.stream import IdFilter, whole_lines


@pytest.mark.parametrize("handful", [0, 1000], ids=["numpy", "finds"])
@pytest.mark.parametrize(
    ("dialect", "world"),
    [
        (postfix_lines.DIALECT, World(11, gap=1.0, hosts=("mx1", "mx2"))),
        (exim_lines.DIALECT, EximWorld(11, gap=1.0)),
    ],
    ids=["postfix", "exim"],
)
def test_hot_and_cold_searches_are_identical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialect: Dialect, world: World, handful: int
) -> None:
    path = tmp_path / "mail.log"
    if not world.truths:
        write(path, world, 8000)
        world.text = path.read_bytes()  # type: ignore[attr-defined]
    path.write_bytes(world.text)  # type: ignore[attr-defined]
    text = open_text([path])
    wanted = [TrackCriteria(recipient=f"user1*@dom{n}*", lines=True) for n in (1, 2)] + [
        TrackCriteria(sender=f"@send{n}.example.net", lines=True) for n in range(4)
    ]
    cold = [search.find(text, dialect, criteria) for criteria in wanted]
    assert all(cold)
    everything = search.find(text, dialect, TrackCriteria(lines=True))
    monkeypatch.setattr(search, "HOT", 0)
    monkeypatch.setattr(search, "FIRST", 2048)
    monkeypatch.setattr(stream, "HANDFUL", handful)
    monkeypatch.setattr(stream, "BLOCK", 8192)
    hot = [search.find(text, dialect, criteria) for criteria in wanted]
    assert [sorted(m.lines for m in found) for found in hot] == [
        sorted(m.lines for m in found) for found in cold
    ]
    for criteria, found in zip(wanted, cold, strict=True):
        checked = [m for m in everything if search.matches(m, criteria)]
        assert sorted(m.lines for m in checked) == sorted(m.lines for m in found)
    text.close()


IDS = st.lists(st.sampled_from([b"A1B2C3", b"A1B2C3D", b"1736261560", b"4Xs7HQ55N8zChRp"]))


@given(ids=IDS, wanted=st.sets(st.sampled_from([b"A1B2C3", b"A1B2C3D", b"4Xs7HQ55N8zChRp"])))
def test_the_filter_loses_no_line_of_an_id(ids: list[bytes], wanted: set[bytes]) -> None:
    lines = [b"x]: %s: y ]: no: z" % queue_id for queue_id in ids]
    block = b"\n".join(lines)
    chosen = IdFilter(b"]: ")
    for queue_id in wanted:
        chosen.add(queue_id)
    found = [line for _, line in chosen.lines(0, block)]
    expected = [line for line, queue_id in zip(lines, ids, strict=True) if queue_id in wanted]
    assert [line for line in found if line in expected] == expected


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.binary(max_size=20).filter(lambda x: b"\n" not in x)), size=st.integers(1, 50)
)
def test_blocks_hold_whole_lines_and_lose_none(
    tmp_path: Path, lines: list[bytes], size: int
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\n".join(lines))
    text = open_text([path])
    blocks = list(whole_lines(text, size=size))
    assert b"".join(block for _, block in blocks) == b"\n".join(lines)
    assert all(block.endswith(b"\n") for _, block in blocks[:-1])
    at = 0
    for place, block in blocks:
        assert place == at
        at += len(block)
    text.close()
