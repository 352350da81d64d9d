"""From hits to whole messages: lives of queue IDs, and the ties between them.

Ties are made by what the log says (a notification, ``queued as`` of a local relay, ``orig_queue_id``,
``orig_id``, a forward, Exim's ``R=``), never by a Message-ID: newsletters repeat it, and what a
mailbox server redirects keeps it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

from smtpadmin.tracking.dialect import Dialect, Kind, Link
from smtpadmin.tracking.lives import Key, Life, Line
from smtpadmin.tracking.log_text import LogText
from smtpadmin.tracking.scan import exact, scan
from smtpadmin.tracking.window import (
    FIRST,
    NEAR,
    after_end,
    downward,
    look_back,
    look_beside,
    look_on,
    near_end,
    upward,
)

CLOSE_BY = (FIRST, NEAR)
"""Octets around a line that names another ID in which that ID's nearest line is looked for."""


class Closure:
    """Collects the lives that hits and ties lead to. ``reach`` is how far a single life is looked
    for forward before it is left to a sweep over all open ones."""

    def __init__(self, text: LogText, dialect: Dialect, reach: int = NEAR) -> None:
        self.text = text
        self.dialect = dialect
        self.reach = reach
        self.grown = False
        self.lives: dict[Key, list[Life]] = defaultdict(list)
        self._ties: deque[tuple[Life, Link, int]] = deque()
        self._tied: set[tuple[int, bytes, str]] = set()
        self._later: dict[Key, list[Line]] = defaultdict(list)
        self._sessions: bool | None = None

    def add(self, place: int, line: bytes) -> None:
        """A line that the answer must hold. Lines are added in log order."""
        own = self.dialect.own(line)
        if own is None:
            return
        key = (own.host, own.queue_id)
        for life in self.lives.get(key, ()):
            if life.covers(place):
                if not life.closed:
                    self._later[key].append((place, line))
                return
        self._begin(key, place, line)

    def open_lives(self) -> list[Life]:
        """Lives whose end was not found yet."""
        return [life for lives in self.lives.values() for life in lives if not life.closed]

    def settle(self) -> None:
        """Follow every tie that is known by now."""
        while self._ties:
            self._follow(*self._ties.popleft())

    def late_hits(self) -> bool:
        """Begin the lives of hits that turned out to lie after the life they were counted to;
        whether there were any."""
        late = False
        later, self._later = self._later, defaultdict(list)
        for key, hits in later.items():
            for place, line in hits:
                if not any(life.covers(place) for life in self.lives[key]):
                    self._begin(key, place, line)
                    late = True
        return late

    def note(self, life: Life, place: int, line: bytes) -> None:
        """Remember the ties that a line of a life tells of."""
        if not any(word in line for word in self.dialect.link_words):
            return
        own = self.dialect.own(line)
        if own is None:
            return
        session = self.dialect.session_named(own)
        if session is not None and self._any_session():
            look_beside(self.text, self.dialect, life, session, place)
        for link in self.dialect.links(own):
            mark = (id(life), link.queue_id, link.kind)
            if link.queue_id != life.queue_id and mark not in self._tied:
                self._tied.add(mark)
                self._ties.append((life, link, place))

    def _any_session(self) -> bool:
        """Whether a mailbox server writes into this log at all."""
        if self._sessions is None:
            word = self.dialect.session_word
            hits = scan(self.text, exact(word), cased=True) if word is not None else iter(())
            self._sessions = next(hits, None) is not None
        return self._sessions

    def take(self, life: Life, place: int, line: bytes) -> None:
        """A further line with the ID of an open life, found in a sweep."""
        own = self.dialect.own(line)
        if own is None or own.key != life.key:
            return
        if life.append(self.dialect, place, line, own):
            self.note(life, place, line)
        if life.ended and not life.closed:
            after_end(self.text, self.dialect, life)

    def take_naming(self, life: Life, link: Link, place: int, line: bytes) -> None:
        """A line of another ID that names an open life as its earlier leg, found in a sweep."""
        own = self.dialect.own(line)
        if own is None or own.host != life.host or place < life.first:
            return
        if self._is_meant(life, link, place):
            life.adopt(link, self._life_of(own.key, place, line), self.dialect)

    def _begin(self, key: Key, place: int, line: bytes) -> Life:
        life = Life(*key, resume=place)
        self.grown = True
        end = near_end(self.text, place, self.reach)
        look_on(self.text, self.dialect, life, end)
        if not life.lines:
            own = self.dialect.own(line)
            assert own is not None
            life.append(self.dialect, place, line, own)
        self._find_birth(life)
        self.lives[key].append(life)
        for at, text in life.lines:
            self.note(life, at, text)
        self._find_parents(life)
        return life

    def _find_birth(self, life: Life) -> None:
        for reach in (FIRST, NEAR, None):
            if look_back(self.text, self.dialect, life, reach):
                return
            life.born = self._made_here(life) or (life.aborted and reach == NEAR)

    def _made_here(self, life: Life) -> bool:
        """Whether another ID's line tells of it, so that no client's line comes before its first."""
        own = self.dialect.own(life.lines[0][1])
        if own is None or life.aborted or self.dialect.kind(own) is not Kind.CREATED:
            return False
        return any(
            not link.up and self.dialect.child_fits(link.kind, own)
            for _, link in self._naming(life)
        )

    def _naming(self, life: Life) -> Iterator[tuple[Line, Link]]:
        """Lines of other IDs that make this one a later leg of theirs."""
        for place, line in life.mentions:
            own = self.dialect.own(line)
            for link in self.dialect.links(own) if own is not None else ():
                if link.queue_id == life.queue_id:
                    yield (place, line), link

    def _find_parents(self, life: Life) -> None:
        """The line that tells of a life may stand before its birth or after its end."""
        own = self.dialect.own(life.lines[0][1])
        if own is None or life.parent is not None:
            return
        if self.dialect.local_birth(own) and not any(not link.up for _, link in self._naming(life)):
            self._look_around(life)
        first = life.first
        for (place, line), link in sorted(
            self._naming(life), key=lambda named: abs(named[0][0] - first)
        ):
            named = self.dialect.own(line)
            assert named is not None
            if place < first if link.up else not self.dialect.child_fits(link.kind, own):
                continue
            if not self._is_meant(life, link, place):
                continue
            other = self._life_of(named.key, place, line)
            if link.up:
                life.adopt(link, other, self.dialect)
            elif life.parent is None:
                other.adopt(link, life, self.dialect)

    def _look_around(self, life: Life) -> None:
        """Find lines of other IDs that tell of a life, near its birth."""
        start = life.first
        seen = {place for place, _ in life.mentions}
        for reach in CLOSE_BY:
            end = near_end(self.text, start, reach)
            around = [*upward(self.text, life.queue_id, start, reach)]
            around += downward(self.text, life.queue_id, start, end)
            for place, line in around:
                own = self.dialect.own(line)
                if place in seen or own is None or own.host != life.host:
                    continue
                seen.add(place)
                if own.queue_id != life.queue_id:
                    life.mentions.append((place, line))
            if any(not link.up for _, link in self._naming(life)):
                return

    def _follow(self, life: Life, link: Link, place: int) -> None:
        """Find the other end of a tie, the nearest that can be it, before the line or after it."""
        key = (life.host, link.queue_id)
        for reach in CLOSE_BY:
            for line in self._nearest(key, place, reach):
                other = self._life_of(key, *line)
                if link.up and other.first > place:
                    continue
                if (
                    other.adopt(link, life, self.dialect)
                    if link.up
                    else life.adopt(link, other, self.dialect)
                ):
                    return
        for other in list(self.lives.get(key, ())):
            if link.up and other.first <= place <= other.last:
                other.adopt(link, life, self.dialect)

    def _is_meant(self, life: Life, link: Link, place: int) -> bool:
        """Whether a line that names an ID means this life of it: no other lies nearer."""
        if life.first <= place <= life.last:
            return True
        for reach in CLOSE_BY:
            for near, _ in self._nearest(life.key, place, reach):
                if not link.up or near < place:
                    return life.covers(near)
        return True

    def _nearest(self, key: Key, place: int, reach: int) -> list[Line]:
        """The last line of an ID before a place and the first one after it, the nearer one first."""
        end = near_end(self.text, place, reach)
        before = self._first_own(key, upward(self.text, key[1], place, reach))
        after = self._first_own(key, downward(self.text, key[1], place, end))
        lines = [line for line in (before, after) if line is not None]
        return sorted(lines, key=lambda line: abs(line[0] - place))

    def _life_of(self, key: Key, place: int, line: bytes) -> Life:
        """The life that a line of an ID belongs to."""
        for life in self.lives.get(key, ()):
            if life.covers(place) and (place <= life.last or self._reaches(life, place, line)):
                return life
        return self._begin(key, place, line)

    def _reaches(self, life: Life, place: int, line: bytes) -> bool:
        """Whether a life that was not followed to a line yet lasts until it."""
        known = len(life.lines)
        look_on(self.text, self.dialect, life, place + len(line) + 1)
        for at, text in life.lines[known:]:
            self.note(life, at, text)
        return life.covers(place)

    def _first_own(self, key: Key, lines: Iterable[Line]) -> Line | None:
        for place, line in lines:
            own = self.dialect.own(line)
            if own is not None and own.key == key:
                return place, line
        return None


def components(lives: Iterable[Life]) -> list[list[Life]]:
    """Lives that ties join, each group in log order; groups in the order of their first lines."""
    group: dict[int, list[Life]] = {}
    for life in lives:
        group.setdefault(id(life), [life])
        for _, other in life.ties:
            mine, theirs = group[id(life)], group.setdefault(id(other), [other])
            if mine is not theirs:
                mine += theirs
                for moved in theirs:
                    group[id(moved)] = mine
    unique = {id(members): members for members in group.values()}
    for members in unique.values():
        members.sort(key=lambda life: life.first)
    return sorted(unique.values(), key=lambda members: members[0].first)
