"""Coverage-guided fuzzing of the log parsers, run by hand with atheris (libFuzzer).

python -m tests.fuzz.fuzz_parsers unpack DIR          the kept inputs as files
python -m tests.fuzz.fuzz_parsers DIR [libFuzzer options such as -max_total_time=600]
python -m tests.fuzz.fuzz_parsers pack DIR            keep what the run found, without repetition
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

MOST_OCTETS = 400
"""Longer inputs are not kept: they would add size, not coverage."""


def main() -> None:
    if sys.argv[1] == "unpack":
        from tests.fuzz.parsers_target import read_corpus

        folder = Path(sys.argv[2])
        folder.mkdir(exist_ok=True)
        for number, octets in enumerate(read_corpus()):
            (folder / f"{number:05}").write_bytes(octets)
    elif sys.argv[1] == "pack":
        from tests.fuzz.parsers_target import write_corpus

        found = {path.read_bytes() for path in Path(sys.argv[2]).iterdir()}
        write_corpus(without_repetition(octets for octets in found if len(octets) <= MOST_OCTETS))
    else:
        _fuzz()


def without_repetition(inputs: Iterable[bytes]) -> list[bytes]:
    """The inputs that go a way through the parsers which no shorter one went."""
    from tests.fuzz.parsers_target import check

    seen: set[tuple[str, int, int]] = set()
    kept: list[bytes] = []
    for octets in sorted(inputs, key=lambda octets: (len(octets), octets)):
        steps = _steps_of(check, octets)
        if not steps <= seen:
            seen |= steps
            kept.append(octets)
    return kept


def _steps_of(check: Any, octets: bytes) -> set[tuple[str, int, int]]:
    """Each step from one line of a parser to the next, of one format apart from another's."""
    from tests.fuzz.parsers_target import NAMES

    kind = octets[0] % len(NAMES) if octets else 0
    steps: set[tuple[str, int, int]] = set()
    last: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        name = frame.f_code.co_filename
        if "smtpadmin" not in name:
            return None
        steps.add((f"{kind}{name}", last.get(frame, 0), frame.f_lineno))
        last[frame] = frame.f_lineno
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        check(octets)
    finally:
        sys.settrace(before)
    return steps


def _fuzz() -> None:
    import atheris

    with atheris.instrument_imports(include=["smtpadmin"]):
        from tests.fuzz.parsers_target import check

    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
