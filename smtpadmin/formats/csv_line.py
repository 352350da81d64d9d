"""One line of comma-separated values (RFC 4180), however broken: every octet ends up in a value."""

from __future__ import annotations


def split_csv(line: str, delimiter: str = ",") -> list[str]:
    """The values of a line. A quote that does not end takes the rest of the line.

    >>> split_csv('a,"b, c",d')
    ['a', 'b, c', 'd']
    """
    if '"' not in line:
        return line.split(delimiter)
    values: list[str] = []
    at = 0
    while True:
        if line.startswith('"', at):
            value, at = _quoted(line, at + 1)
            end = line.find(delimiter, at)
            stop = len(line) if end < 0 else end
            values.append(value + line[at:stop])
        else:
            end = line.find(delimiter, at)
            values.append(line[at:] if end < 0 else line[at:end])
        if end < 0:
            return values
        at = end + 1


def _quoted(line: str, at: int) -> tuple[str, int]:
    """The text up to the closing quote, doubled quotes as one, and the place after it."""
    parts: list[str] = []
    while True:
        end = line.find('"', at)
        if end < 0:
            parts.append(line[at:])
            return "".join(parts), len(line)
        parts.append(line[at:end])
        if not line.startswith('"', end + 1):
            return "".join(parts), end + 1
        parts.append('"')
        at = end + 2
