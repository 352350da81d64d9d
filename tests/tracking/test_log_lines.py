"""Octets and lines of files: four compressions by their first octets, faults after the lines before
them, long lines cut and counted."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.tracking import log_lines
from smtpadmin.tracking.log_lines import MOST_LINE, chunks, head_of, is_binary, read_lines

COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lambda octets: lzma.compress(octets, preset=0),
    "zstd": zstandard.compress,
    "none": bytes,
}


def lines_until_fault(path: Path) -> tuple[list[bytes], str]:
    found: list[bytes] = []
    try:
        for line, _ in read_lines(path):
            found.append(line)
    except UsageError as error:
        return found, str(error)
    return found, ""


@pytest.mark.parametrize("how", COMPRESSED)
@pytest.mark.parametrize("members", [1, 2])
def test_compression_is_seen_whatever_the_name(tmp_path: Path, how: str, members: int) -> None:
    path = tmp_path / "mail.log.1"
    path.write_bytes(COMPRESSED[how](b"one\r\n\ntwo\n") * members)
    assert lines_until_fault(path) == ([b"one", b"", b"two"] * members, "")


@pytest.mark.parametrize("how", ["gzip", "bzip2", "xz"])
def test_a_cut_file_gives_its_lines_and_a_sentence(tmp_path: Path, how: str) -> None:
    path = tmp_path / "cut"
    text = b"".join(b"%d %d\n" % (n, n * 7919) for n in range(250_000))
    packed = COMPRESSED[how](text)
    path.write_bytes(packed[: len(packed) // 2])
    found, said = lines_until_fault(path)
    assert "cannot be read to its end" in said
    assert said.startswith(str(path))
    assert len(found) > 10_000
    assert text.startswith(b"\n".join(found))


def test_an_unfinished_zstd_frame_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "segment"
    writer = zstandard.ZstdCompressor().compressobj()
    path.write_bytes(
        writer.compress(b"one\ntwo\n") + writer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    )
    assert lines_until_fault(path) == ([b"one", b"two"], "")


@pytest.mark.parametrize("how", ["gzip", "bzip2", "xz", "zstd"])
def test_damaged_octets_are_a_sentence(tmp_path: Path, how: str) -> None:
    path = tmp_path / "bad"
    packed = bytearray(COMPRESSED[how](os.urandom(50_000)))
    packed[6:] = os.urandom(len(packed) - 6)
    path.write_bytes(packed)
    assert "cannot be read to its end" in lines_until_fault(path)[1]


def test_zeros_after_a_gzip_member_are_padding(tmp_path: Path) -> None:
    path = tmp_path / "padded"
    path.write_bytes(gzip.compress(b"one\n") + b"\0" * 512)
    assert lines_until_fault(path) == ([b"one"], "")


def test_without_the_fast_library_the_standard_one_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(b"one\n"))
    assert lines_until_fault(path) == ([b"one"], "")


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    assert "No such file" in lines_until_fault(tmp_path / "none")[1]
    assert "directory" in lines_until_fault(tmp_path)[1].lower()
    assert head_of(tmp_path / "none") == b""


def test_a_long_line_is_one_line_cut_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"a\n" + b"x" * (5 * MOST_LINE + 7) + b"\nb\n" + b"y" * (MOST_LINE + 1))
    found = list(read_lines(path))
    assert [(len(line), over) for line, over in found] == [
        (1, 0),
        (MOST_LINE, 4 * MOST_LINE + 7),
        (1, 0),
        (MOST_LINE, 1),
    ]


@given(st.binary(max_size=200), st.integers(1, 9), st.integers(1, 12))
def test_any_octets_in_any_pieces(text: bytes, piece: int, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        pieces = [text[at : at + piece] for at in range(0, len(text), piece)]
        patch.setattr(log_lines, "chunks", lambda _: iter(pieces))
        patch.setattr(log_lines, "MOST_LINE", most)
        found = list(read_lines(Path("x")))
    whole = text.split(b"\n")
    if not whole[-1]:
        whole.pop()
    assert len(found) == len(whole)
    for (line, over), expected in zip(found, whole, strict=True):
        assert expected.startswith(line)
        assert over or line == expected.removesuffix(b"\r")
        assert len(line) <= most


@pytest.mark.parametrize(
    ("head", "binary"),
    [
        (b"", False),
        (b"\0" * 500 + b"Jun  6 23:34:18 mx1 a: b\n", False),
        (b"caf\xe9 \x1b[1mbold\x1b[0m\n", False),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0\n", True),
        (b"PK\x03\x04\x14\0\0\0\x08\0", True),
        (b"LPKSHHRH\0\0\0\0\x03\0\0\0", True),
    ],
)
def test_binary_files(head: bytes, binary: bool) -> None:
    assert is_binary(head) == binary


def test_memory_is_bounded_by_pieces(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(b"\0" * 50_000_000))
    assert max(map(len, chunks(path))) < 40_000_000
