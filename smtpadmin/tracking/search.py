"""What became of messages, by their log lines: criteria in, messages out.

The rarest thing that the criteria name is looked for in the whole log; the lives of the queue IDs
on the lines that have it, and of those tied to them, become messages; then all criteria are
checked on these. Criteria that name nothing that can be looked for read every line instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from smtpadmin.formats.criteria import matches
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking.clocks import Clocks, earlier
from smtpadmin.tracking.dialect import Dialect
from smtpadmin.tracking.files import LogTimes
from smtpadmin.tracking.join import join
from smtpadmin.tracking.links import Closure, components
from smtpadmin.tracking.lives import Life, Line
from smtpadmin.tracking.log_text import SHIFT, LogText
from smtpadmin.tracking.scan import Needle, exact, needle, scan
from smtpadmin.tracking.stream import sweep
from smtpadmin.tracking.window import FIRST, NEAR
from smtpadmin.util.text import decode_line

HOT = 500
"""Lines with the needle from which on one pass for all IDs is faster than a window for each."""
TOO_HOT = 300_000
"""From here on most of the log is wanted: every line is read."""
LIFETIME = timedelta(days=5, hours=1)
"""maximal_queue_lifetime of postconf(5), and as long does Exim try: a message that changed within
the wanted time may have named its sender and Message-ID so long before."""
SHORTEST = 3
"""A shorter text is on too many lines to be looked for."""
_NOT_AS_LOGGED = re.compile(r"[\"\\]|[^\x20-\x7e]")


def find(
    text: LogText, dialect: Dialect, criteria: TrackCriteria, times: LogTimes | None = None
) -> list[TrackedMessage]:
    """Messages that match, by arrival, the newest last; the newest ``criteria.limit`` of them."""
    clocks = Clocks(text, dialect, times or LogTimes())
    found = [
        message
        for message in candidates(text, dialect, criteria, clocks)
        if matches(message, criteria)
    ]
    found.sort(key=lambda message: message.arrived.timestamp() if message.arrived else 0.0)
    if criteria.limit is not None:
        found = found[-criteria.limit :] if criteria.limit > 0 else []
    return found


def candidates(
    text: LogText, dialect: Dialect, criteria: TrackCriteria, clocks: Clocks
) -> Iterator[TrackedMessage]:
    """Every message that may match, and others."""
    start = clocks.place_of(earlier(criteria.since, LIFETIME)) if criteria.since else 0
    hits = _fewest_hits(text, needles(criteria, dialect), start, criteria)
    alone: list[Line] = []
    if hits is None:
        groups: Iterable[list[Life]] = join(text, dialect, start)
        alone = _alone_everywhere(text, dialect, start)
    else:
        closure = Closure(text, dialect, FIRST if len(hits) > HOT else NEAR)
        last = -1
        for hit in hits:
            place, line = text.line_at(hit)
            if place == last:
                continue
            last = place
            if dialect.alone(line):
                alone.append((place, line))
            else:
                closure.add(place, line)
        sweep(closure)
        groups = components(life for lives in closure.lives.values() for life in lives)
    for lives in groups:
        yield with_lines(dialect.assemble(lives, clocks.parse), lives, criteria)
    for place, line in _once(alone):
        message = dialect.refused(clocks.parse(place, line))
        if message is not None:
            raw = (decode_line(line),) if criteria.lines else ()
            yield replace(message, lines=raw)


def _once(alone: Iterable[Line]) -> Iterator[Line]:
    """A refusal that one file has as another has it (Exim's main and reject log) is one refusal."""
    files: dict[bytes, int] = {}
    for place, line in alone:
        if files.setdefault(line, place >> SHIFT) == place >> SHIFT:
            yield place, line


def with_lines(
    message: TrackedMessage, lives: Iterable[Life], criteria: TrackCriteria
) -> TrackedMessage:
    """The message with its log lines, when they are asked for."""
    if not criteria.lines:
        return message
    lines = sorted(line for life in lives for line in (*life.lines, *life.beside))
    return replace(message, lines=tuple(decode_line(line) for _, line in lines))


def needles(criteria: TrackCriteria, dialect: Dialect) -> list[tuple[Needle, bool]]:
    """What can be looked for, the rarest first, and whether its case counts."""
    found: list[tuple[Needle, bool]] = []
    if criteria.queue_id:
        found.append((exact(criteria.queue_id.encode("utf-8", "backslashreplace")), True))
    texts = [
        (criteria.message_id or "").strip().removeprefix("<").removesuffix(">"),
        address_text(criteria.recipient),
        address_text(criteria.sender),
        max((criteria.client or "").split("*"), key=len),
        max(_NOT_AS_LOGGED.split(criteria.subject or ""), key=len),
    ]
    if criteria.sender is not None and criteria.sender.strip() in ("", "<>"):
        texts.append(dialect.null_sender)
    if criteria.status is not None:
        texts.append(dialect.status_text.get(criteria.status, ""))
    found += [(needle(text), False) for text in texts if len(text) >= SHORTEST]
    return [(wanted, cased) for wanted, cased in found if len(wanted.lower) >= SHORTEST]


def address_text(wanted: str | None) -> str:
    """The longest text that every line with such an address holds."""
    if wanted is None or wanted.strip() in ("", "<>"):
        return ""
    bare = wanted.strip().removeprefix("<").removesuffix(">")
    return max(bare.split("*"), key=len)


def _fewest_hits(
    text: LogText, wanted: list[tuple[Needle, bool]], start: int, criteria: TrackCriteria
) -> list[int] | None:
    """Where the rarest needle lies; None when there is none, or it is everywhere."""
    best: list[int] | None = None
    for one, cased in wanted:
        hits: list[int] = []
        for place in scan(text, one, start, cased=cased):
            hits.append(place)
            if len(hits) > TOO_HOT:
                break
        else:
            if best is None or len(hits) < len(best):
                best = hits
        if best is not None and len(best) <= HOT:
            break
    return best


def _alone_everywhere(text: LogText, dialect: Dialect, start: int) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    for word in dialect.alone_words:
        last = -1
        for hit in scan(text, exact(word), start, cased=True):
            place, line = text.line_at(hit)
            if place != last and dialect.alone(line):
                found.append((place, line))
            last = place
    return sorted(dict.fromkeys(found))
