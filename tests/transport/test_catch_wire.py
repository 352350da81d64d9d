"""Everything read and written is recorded, once, and secrets are not."""

from __future__ import annotations

import asyncio
import time

from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.transport.catch_wire import MOST_CHARACTERS, CaughtWire, RecordingReader


def reader_of(*chunks: bytes, limit: int = 64) -> asyncio.StreamReader:
    stream = asyncio.StreamReader(limit=limit)
    for chunk in chunks:
        stream.feed_data(chunk)
    return stream


def shown(wire: CaughtWire) -> list[str]:
    return [f"{line.direction} {line.line}" for line in wire.lines]


async def test_lines_are_recorded_when_they_are_read() -> None:
    wire = CaughtWire()
    reader = RecordingReader(reader_of(b"EHLO x\r\nNOOP\r\n"), wire)
    assert await reader.readuntil() == b"EHLO x\r\n"
    assert shown(wire) == ["> EHLO x"]
    assert reader.waiting == 6
    reader.forget()
    assert reader.waiting == 0


async def test_inside_a_message_nothing_is_recorded_by_itself() -> None:
    wire = CaughtWire()
    reader = RecordingReader(reader_of(b"line\r\n"), wire)
    reader.in_data = True
    await reader.readuntil()
    assert wire.lines == []


async def test_a_response_that_is_too_long_counts_as_a_star() -> None:
    wire = CaughtWire()
    reader = RecordingReader(reader_of(b"A" * 1_000 + b"\r\n", b"NOOP\r\n"), wire)
    assert await reader.readline() == b"*\r\n"
    assert await reader.readline() == b"NOOP\r\n"


async def test_a_new_transport_reaches_the_stream_beneath() -> None:
    stream = reader_of()
    reader = RecordingReader(stream, CaughtWire())
    marker = object()
    reader._transport = marker  # type: ignore[attr-defined]
    assert stream._transport is marker  # type: ignore[attr-defined]


def test_passwords_are_not_kept() -> None:
    wire = CaughtWire()
    wire.from_client(b"AUTH PLAIN AGEAc2VjcmV0\r\n")
    wire.to_client(b"235 2.7.0 Authentication successful\r\n")
    assert shown(wire)[0] == "> AUTH PLAIN <redacted 12 octets>"


def test_a_listener_hears_each_line_and_the_end_is_always_told() -> None:
    heard: list[TranscriptLine] = []
    wire = CaughtWire()
    wire.on_line = heard.append
    started = time.perf_counter()
    for _ in range(2_000):
        wire.from_client(b"X" * 1_000 + b"\r\n")
        wire.note("(rule rcpt)")
    wire.end()
    assert sum(len(line.line) for line in wire.lines) <= MOST_CHARACTERS + 2_000
    assert heard == wire.lines
    assert shown(wire)[-2:] == ["* (the transcript is full)", "* (closed)"]
    assert time.perf_counter() - started < 2
