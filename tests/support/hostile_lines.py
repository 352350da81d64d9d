"""Long lines that make a careless parser take quadratic time, and the check that none does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

UNITS = (
    "a", " ", "=", ",", ";", ":", '"', "\\", "<", ">", "(", ")", "[", "]", "{", "#", "\0", "é",
    'a="', "a=<", 'a=<"', 'a="\\', 'a=<\\"', "a=b ", "a=b, ", " a=", "to=<", "<a>,", "(a ", "[1 ",
    "; from=<", "; from=<a> to=<b> proto=E helo=<", "> sasl_a=b", " > sasl_a=>", "H=(", "H=( ",
    ') [1.2.3.4] x', "H=(a) [1.2.3.4]) ", " F=<", ' T="', ' C="\\"', ": ", " (a) <b", "defer (1) ",
    ", status=", " status=", ", stat=", "<a@b>, ", "rejected RCPT <", "rejected during A a", "a=1 -",
    " from a[1]: ", " from a[", "]: ", "[a][b]:1 ", " (", ' ""', '","', ',"', "\\\\", '{"a":', "[[",
)  # fmt: skip
SMALL, FACTOR, BOUND = 15_000, 4, 10
"""Octets of the shorter line; the longer one has FACTOR times as many. Linear time grows by FACTOR,
quadratic by its square: BOUND lies between, far enough for a busy machine."""


def hostile(prefixes: tuple[str, ...], size: int) -> Iterator[tuple[str, bytes]]:
    """Each unit repeated to a size behind each prefix, with a name for the failure's message."""
    for prefix in prefixes:
        for unit in UNITS:
            body = unit * (size // len(unit))
            yield f"{prefix!r} + {unit!r} * n", (prefix + body).encode()


def assert_linear(
    parse: Callable[[bytes], object], prefixes: tuple[str, ...], size: int = SMALL
) -> None:
    """No hostile line takes time out of proportion to its length."""
    for (name, small), (_, large) in zip(
        hostile(prefixes, size), hostile(prefixes, size * FACTOR), strict=True
    ):
        before = _seconds(parse, small)
        after = _seconds(parse, large)
        for _ in range(4):
            if after < max(before, 0.0005) * BOUND:
                break
            before, after = max(before, _seconds(parse, small)), min(after, _seconds(parse, large))
        assert after < max(before, 0.0005) * BOUND, f"{name}: {before:.4f} s, then {after:.4f} s"


def _seconds(parse: Callable[[bytes], object], line: bytes) -> float:
    start = time.process_time()
    parse(line)
    return time.process_time() - start
