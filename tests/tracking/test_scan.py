"""A literal scan finds every line that a plain search does, whatever the case and the block."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.tracking import scan as scanning
from smtpadmin.tracking.log_text import open_text
from smtpadmin.tracking.scan import exact, lines_with, needle, scan


def lines_found(path: Path, wanted: str, *, cased: bool = False) -> list[bytes]:
    text = open_text([path])
    try:
        made = exact(wanted.encode()) if cased else needle(wanted)
        places = dict.fromkeys(text.line_at(hit) for hit in scan(text, made, cased=cased))
        return [line for _, line in places]
    finally:
        text.close()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.text("aAbB@.1\x80 ", max_size=12), max_size=30),
    wanted=st.text("aAbB@.1", min_size=1, max_size=6),
    block=st.integers(8, 40),
)
def test_a_scan_finds_what_a_plain_search_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], wanted: str, block: int
) -> None:
    monkeypatch.setattr(scanning, "BLOCK", block)
    path = tmp_path / "x.log"
    raw = [line.encode() for line in lines]
    path.write_bytes(b"\n".join(raw))
    expected = [line for line in raw if wanted.lower().encode() in line.lower()]
    assert lines_found(path, wanted) == expected
    assert lines_found(path, wanted, cased=True) == [
        line for line in raw if wanted.encode() in line
    ]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=st.binary(max_size=200).map(lambda octets: octets.translate(b"ab\n." * 64)),
    wanted=st.text("aAb.", min_size=1, max_size=5),
    part=st.integers(1, 40),
    block=st.integers(8, 20),
)
def test_threads_find_the_same_places_in_the_same_order(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raw: bytes,
    wanted: str,
    part: int,
    block: int,
) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(raw)
    with monkeypatch.context() as patch:
        patch.setattr(scanning, "THREADS", 1)
        alone = places_found(path, wanted)
        patch.setattr(scanning, "THREADS", 3)
        patch.setattr(scanning, "LARGE", 0)
        patch.setattr(scanning, "PART", part)
        patch.setattr(scanning, "PART_BLOCK", block)
        assert places_found(path, wanted) == alone


def places_found(path: Path, wanted: str) -> list[int]:
    text = open_text([path])
    found = list(scan(text, needle(wanted)))
    text.close()
    return found


def test_a_scan_by_threads_can_be_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "LARGE", 0)
    monkeypatch.setattr(scanning, "PART", 64)
    monkeypatch.setattr(scanning, "THREADS", 2)
    path = tmp_path / "x.log"
    path.write_bytes(b"ab\n" * 10_000)
    text = open_text([path])
    hits = scan(text, needle("ab"))
    assert [next(hits), next(hits)] == [0, 3]
    hits.close()  # type: ignore[attr-defined]
    text.close()
    assert not [t for t in threading.enumerate() if "ThreadPoolExecutor" in t.name]


@pytest.mark.parametrize(
    ("text", "folded"),
    [("user@example.org", True), ("<1795445580.79@x>", False), ("20261123145300.A1", False)],
)
def test_a_part_without_case_is_looked_for_as_it_is(text: str, folded: bool) -> None:
    made = needle(text)
    assert made.folded is folded
    assert made.lower[made.shift : made.shift + len(made.part)] == made.part


def test_of_an_address_beyond_ascii_the_ascii_part_is_looked_for() -> None:
    assert needle("größe@Example.org").lower == b"e@example.org"


def test_lines_with_several_tokens_come_once_and_in_either_order() -> None:
    block = b"a x\nb\nx y\r\ny"
    assert list(lines_with(block, 100, (b"x", b"y"))) == [(100, b"a x"), (106, b"x y"), (111, b"y")]
    assert [line for _, line in lines_with(block, 0, (b"x",), upwards=True)] == [b"x y", b"a x"]
