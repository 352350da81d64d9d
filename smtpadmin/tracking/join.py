"""Every message of a log, in one pass in log order: for criteria that name nothing to look for.

A message is given away once it ended and the log went on for a while, so that memory holds only the
messages that are still open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from smtpadmin.tracking.dialect import Dialect, Kind, Link
from smtpadmin.tracking.lives import Key, Life, Line, first_kind
from smtpadmin.tracking.log_text import LogText
from smtpadmin.tracking.stream import whole_lines
from smtpadmin.tracking.window import BESIDE, NEAR, look_back, look_beside

LINGER = 2 * NEAR
"""Octets after its last line for which an ended message may still be named by another."""


def join(text: LogText, dialect: Dialect, start: int = 0) -> Iterator[list[Life]]:
    """Lives that belong together, each group once. A life that began before ``start`` is completed
    backwards."""
    joiner = _Joiner(dialect)
    for base, block in whole_lines(text, start):
        place = base
        for line in block.split(b"\n"):
            joiner.take(place, line)
            place += len(line) + 1
        yield from _completed(joiner.settled(place), text, dialect, start)
    yield from _completed(joiner.rest(), text, dialect, start)


def _completed(
    groups: Iterator[list[Life]], text: LogText, dialect: Dialect, start: int
) -> Iterator[list[Life]]:
    for lives in groups:
        if start:
            for life in lives:
                if first_kind(life, dialect) not in (Kind.BIRTH, Kind.CREATED):
                    _look_back(text, dialect, life)
        yield lives


def _look_back(text: LogText, dialect: Dialect, life: Life) -> None:
    known = life.first
    look_back(text, dialect, life)
    for place, line in life.lines:
        own = dialect.own(line) if place < known else None
        session = dialect.session_named(own) if own is not None else None
        if session is not None:
            look_beside(text, dialect, life, session, place)


class _Joiner:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._current: dict[Key, Life] = {}
        self._waiting: dict[Key, list[tuple[Life, Link, int]]] = defaultdict(list)
        self._group: dict[int, list[Life]] = {}
        self._ended: list[Life] = []
        self._sessions = _Sessions()

    def take(self, place: int, line: bytes) -> None:
        """The next line."""
        own = self._dialect.own(line)
        if own is None:
            self._sessions.tell(self._dialect.session_of(line), (place, line))
            return
        key = own.key
        life = self._current.get(key)
        if life is None or not life.append(self._dialect, place, line, own):
            if life is not None and not life.ended:
                self._ended.append(life)
            life = self._begin(key)
            life.append(self._dialect, place, line, own)
            for waiting in self._waiting.pop(key, ()):
                if place - waiting[2] < NEAR:
                    self._tie(waiting[0], waiting[1], life)
        if life.ended and life.last == place:
            self._ended.append(life)
        self._sessions.name(self._dialect.session_named(own), life, place)
        for link in self._dialect.links(own):
            self._link(life, link, place)

    def settled(self, place: int) -> Iterator[list[Life]]:
        """Groups in which nothing can happen any more."""
        self._sessions.forget(place)
        later: list[Life] = []
        for life in self._ended:
            if life.last + LINGER > place:
                later.append(life)
            elif id(life) in self._group and self._is_settled(self._group[id(life)], place):
                yield self._forget(self._group[id(life)])
        self._ended = later

    def rest(self) -> Iterator[list[Life]]:
        """All groups that are left."""
        while self._group:
            yield self._forget(next(iter(self._group.values())))

    def _begin(self, key: Key) -> Life:
        life = self._current[key] = Life(*key)
        self._group[id(life)] = [life]
        return life

    def _link(self, life: Life, link: Link, place: int) -> None:
        key = (life.host, link.queue_id)
        other = self._current.get(key)
        near = other is not None and (not other.ended or place - other.last < NEAR)
        if (not near or other is None or not self._tie(life, link, other)) and not link.up:
            self._waiting[key].append((life, link, place))

    def _tie(self, life: Life, link: Link, other: Life) -> bool:
        parent, child = (other, life) if link.up else (life, other)
        if id(parent) not in self._group or id(child) not in self._group:
            return False
        if not parent.adopt(link, child, self._dialect):
            return False
        mine, theirs = self._group[id(parent)], self._group[id(child)]
        if mine is not theirs:
            mine += theirs
            for moved in theirs:
                self._group[id(moved)] = mine
        return True

    def _is_settled(self, lives: list[Life], place: int) -> bool:
        return all((life.ended or life.closed) and life.last + LINGER <= place for life in lives)

    def _forget(self, lives: list[Life]) -> list[Life]:
        for life in lives:
            self._group.pop(id(life), None)
            if self._current.get(life.key) is life:
                del self._current[life.key]
        lives.sort(key=lambda life: life.first)
        return lives


class _Sessions:
    """The mailbox server's lines, and who named their sessions: either may come first."""

    def __init__(self) -> None:
        self._told: dict[bytes, list[Line]] = {}
        self._named: dict[bytes, tuple[Life, int]] = {}

    def tell(self, session: bytes | None, line: Line) -> None:
        """A line of a session."""
        if session is None:
            return
        named = self._named.get(session)
        if named is None:
            self._told.setdefault(session, []).append(line)
        else:
            named[0].beside.append(line)

    def name(self, session: bytes | None, life: Life, place: int) -> None:
        """A delivery of a life that names a session."""
        if session is not None:
            life.beside += self._told.pop(session, ())
            self._named[session] = life, place

    def forget(self, place: int) -> None:
        """Drop what lies too far back to belong to what comes."""
        told, named = self._told, self._named
        for session in [s for s, lines in told.items() if lines[-1][0] + BESIDE < place]:
            del told[session]
        for session in [s for s, (_, at) in named.items() if at + BESIDE < place]:
            del named[session]
