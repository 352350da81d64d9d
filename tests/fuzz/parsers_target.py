"""What fuzzing checks of every log parser: no exception, nothing lost, and a record that can be
printed as JSON. The replay in ``test_parsers_corpus.py`` and the fuzzer call the same function.
"""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.tracking.files import FORMATS

CORPUS = Path(__file__).with_name("parsers_corpus.txt")
NAMES = sorted(FORMATS)
ANCHOR = datetime(2026, 3, 1, tzinfo=UTC)


def check(data: bytes) -> None:
    """The first octet chooses the format, the others are the lines of a file."""
    chosen = FORMATS[NAMES[data[0] % len(NAMES)]] if data else FORMATS["postfix"]
    parse = chosen.parser(LogClock(UTC, anchor=ANCHOR))
    for number, line in enumerate(data[1:].split(b"\n"), 1):
        record = parse(line, file="x", number=number)
        assert record.raw == line.decode("utf-8", "backslashreplace")
        assert (record.file, record.line) == ("x", number)
        assert record.event
        assert record.time is None or record.time.tzinfo is not None
        msgspec.json.encode(asdict(record))
        chosen.looks_like(line)


def read_corpus() -> list[bytes]:
    """The inputs that were kept: one a line, in base 64."""
    return [base64.b64decode(line) for line in CORPUS.read_text("ascii").split()]


def write_corpus(inputs: list[bytes]) -> None:
    lines = sorted(
        {base64.b64encode(octets).decode() for octets in inputs}, key=lambda text: (len(text), text)
    )
    CORPUS.write_text("\n".join(lines) + "\n", "ascii")
