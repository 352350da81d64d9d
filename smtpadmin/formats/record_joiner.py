"""Log records of any format, joined into messages by their IDs. Pure: records in, messages out.

A format's module says which story a record belongs to and what it tells; here are the lives of IDs
that are used again, links between them, and the bounds of memory: a story in which nothing is open,
and of which no record came for :data:`LINGER` records, is compared with the criteria, then kept as a
result or forgotten. What is still open stays until the end of the log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from smtpadmin.formats.criteria import matches
from smtpadmin.formats.tracked_story import Story
from smtpadmin.model.log import LogRecord
from smtpadmin.model.tracking import Leg, TrackCriteria, TrackedMessage

LINGER = 100_000
MOST_LEGS = 1_000
"""Further IDs of one message; a hostile log could chain as many as it has lines."""

Take = Callable[["RecordJoiner", LogRecord], None]
_Found = tuple[float, int, TrackedMessage]


def joined(
    records: Iterable[LogRecord], criteria: TrackCriteria, take: Take, *, linger: int = LINGER
) -> Iterator[TrackedMessage]:
    """Messages that match, by arrival, the newest last; the newest ``criteria.limit`` of them when
    there are more. ``take`` gives each record to the joiner."""
    joiner = RecordJoiner(criteria, linger)
    for record in records:
        joiner.next()
        take(joiner, record)
    yield from joiner.results()


class RecordJoiner:
    """The stories that records have told so far."""

    def __init__(self, criteria: TrackCriteria, linger: int = LINGER) -> None:
        self._criteria = criteria
        self._linger = linger
        self._number = 0
        self._by_key: dict[Hashable, Story] = {}
        self._keys: dict[Story, list[Hashable]] = {}
        self._settled: deque[tuple[int, Story]] = deque()
        self._found: list[_Found] = []

    def next(self) -> None:
        """Another record follows."""
        self._number += 1
        while self._settled and self._number - self._settled[0][0] > self._linger:
            _, story = self._settled.popleft()
            self._let_go(story)

    def of(self, key: Hashable, record: LogRecord, *, born: bool = False) -> Story:
        """The story of an ID, to which the record's line now belongs. A record that tells of a birth
        begins a new life of an ID whose last one is over."""
        story = self._by_key.get(key)
        again = born and story is not None and story.born and story.settled
        if story is None or (again and self._keys[story][0] == key):
            story = self._begun(key, record)
        story.born = story.born or born
        self._keep(story, record)
        return story

    def peek(self, key: Hashable) -> Story | None:
        """The story of an ID, without a record."""
        return self._by_key.get(key)

    def alone(self, record: LogRecord) -> Story:
        """A story of one record that has no ID."""
        story = Story(arrived=record.time, first=self._number)
        self._keys[story] = []
        self._keep(story, record)
        story.leaving = True
        self._settled.append((self._number, story))
        return story

    def also(self, story: Story, key: Hashable) -> None:
        """Another key for the same story."""
        if self._by_key.get(key) is not story:
            self._by_key[key] = story
            self._keys[story].append(key)

    def link(self, parent: Story, key: Hashable, leg: Leg) -> None:
        """Another ID is a leg of this story, whether its records came already or are to come."""
        if len(parent.legs) >= MOST_LEGS:
            return
        child = self.peek(key)
        if child is parent:
            return
        if child is None:
            parent.legs.setdefault((leg.host, leg.queue_id), leg)
            self.also(parent, key)
        elif len(child.legs) < MOST_LEGS:
            self._absorb(parent, child, leg)

    def settle(self, story: Story) -> None:
        """To be called after a record was told: a story that is over may be let go later."""
        if story.settled and not story.leaving:
            story.leaving = True
            self._settled.append((self._number, story))

    def results(self) -> Iterator[TrackedMessage]:
        """All that was found, by arrival, the newest last."""
        for story in list(self._keys):
            self._give(story)
        self._keys.clear()
        self._prune()
        for _, _, message in self._found:
            yield message

    def _begun(self, key: Hashable, record: LogRecord) -> Story:
        story = Story(arrived=record.time, first=self._number)
        self._by_key[key] = story
        self._keys[story] = [key]
        return story

    def _keep(self, story: Story, record: LogRecord) -> None:
        story.last = self._number
        if self._criteria.lines:
            story.lines.append((self._number, record.raw))

    def _absorb(self, parent: Story, child: Story, leg: Leg) -> None:
        """The leg's own records came first: they belong to the parent's story all the same."""
        key, own = next(iter(child.legs.items()), ((leg.host, leg.queue_id), leg))
        child.legs[key] = replace(own, kind=leg.kind, parent=leg.parent)
        parent.absorb(child, as_notification=leg.kind == "notification")
        for name in self._keys.pop(child):
            self.also(parent, name)

    def _let_go(self, story: Story) -> None:
        story.leaving = False
        if story not in self._keys or not story.settled:
            return
        if self._number - story.last <= self._linger:
            story.leaving = True
            self._settled.append((story.last, story))
            return
        self._give(story)
        for key in self._keys.pop(story):
            if self._by_key.get(key) is story:
                del self._by_key[key]

    def _give(self, story: Story) -> None:
        message = story.finished()
        if not matches(message, self._criteria):
            return
        self._found.append((_stamp(message.arrived), story.first, message))
        limit = self._criteria.limit
        if limit is not None and len(self._found) > 2 * limit + 1_000:
            self._prune()

    def _prune(self) -> None:
        self._found.sort(key=lambda found: found[:2])
        limit = self._criteria.limit
        if limit is not None:
            self._found = self._found[-limit:] if limit > 0 else []


def _stamp(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
