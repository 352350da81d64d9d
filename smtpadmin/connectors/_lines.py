"""Lines out of chunks: what a command prints arrives cut anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

MOST_LINE = 1024 * 1024
"""Octets of one line; what is longer is cut there and goes on as the next line."""


async def whole_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """The complete lines of each chunk, without their line ends; the rest at the end."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        while len(rest) > MOST_LINE:
            lines.append(rest[:MOST_LINE])
            rest = rest[MOST_LINE:]
        if lines:
            yield lines
    if rest:
        yield [rest]
