"""One life of a queue ID: from its birth to its removal. The same ID may live again later."""

from __future__ import annotations

from dataclasses import dataclass, field

from smtpadmin.tracking.dialect import Dialect, Kind, Link, Own

Line = tuple[int, bytes]
Key = tuple[bytes, bytes]
"""Host and queue ID."""


@dataclass(slots=True, eq=False)
class Life:
    """Its lines in log order. ``closed`` once nothing can follow, ``born`` once nothing can come
    before; ``resume`` is the place from which on nothing was looked at yet."""

    host: bytes
    queue_id: bytes
    lines: list[Line] = field(default_factory=list)
    mentions: list[Line] = field(default_factory=list)
    """Lines of other IDs in which this one's stands."""
    closed: bool = False
    ended: bool = False
    born: bool = False
    queued: bool = False
    aborted: bool = False
    resume: int = 0
    ties: list[tuple[Link, Life]] = field(default_factory=list)
    """The later legs, and what each is."""
    parent: Life | None = None
    beside: list[Line] = field(default_factory=list)
    """Lines of the mailbox server about what this one handed to it."""

    @property
    def key(self) -> Key:
        """Host and queue ID."""
        return self.host, self.queue_id

    @property
    def first(self) -> int:
        """Where its first line lies."""
        return self.lines[0][0]

    @property
    def last(self) -> int:
        """Where its last line lies."""
        return self.lines[-1][0]

    def covers(self, place: int) -> bool:
        """Whether a line of this ID at that place is one of this life."""
        return self.first <= place and (place <= self.last or not self.closed)

    def append(self, dialect: Dialect, place: int, line: bytes, own: Own) -> bool:
        """Take the next line; False, and closed, when it begins another life."""
        kind = dialect.kind(own)
        if dialect.reused and self.lines and self._begins_another(kind):
            self.closed = True
            return False
        self.lines.append((place, line))
        self.queued = self.queued or kind is Kind.QUEUED
        self.aborted = self.aborted or kind is Kind.ABORT
        if kind is Kind.END:
            self.ended = True
            self.closed = dialect.reused
        return True

    def prepend(self, dialect: Dialect, place: int, line: bytes, own: Own) -> bool:
        """Take the line before the first; False, and born, when it belongs to an earlier life."""
        kind = dialect.kind(own)
        if dialect.reused and kind is Kind.END:
            self.born = True
            return False
        late = kind in (Kind.QUEUED, Kind.ABORT)
        if late and dialect.reused and self._starts_created(dialect):
            self.born = True
            return False
        self.lines.insert(0, (place, line))
        self.born = self.born or (dialect.reused and kind is Kind.BIRTH)
        return True

    def adopt(self, link: Link, child: Life, dialect: Dialect) -> bool:
        """Tie a later leg to this one, unless it cannot be one or has an earlier one already."""
        own = dialect.own(child.lines[0][1]) if child.lines else None
        if child is self or child.parent is not None or own is None:
            return child.parent is self
        if not dialect.child_fits(link.kind, own) or self._comes_from(child):
            return False
        child.parent = self
        self.ties.append((link, child))
        return True

    def _comes_from(self, other: Life) -> bool:
        ancestor = self.parent
        while ancestor is not None and ancestor is not other:
            ancestor = ancestor.parent
        return ancestor is other

    def _starts_created(self, dialect: Dialect) -> bool:
        first = dialect.own(self.lines[0][1])
        return first is not None and dialect.kind(first) is Kind.CREATED

    def _begins_another(self, kind: Kind) -> bool:
        created = kind is Kind.CREATED and (self.queued or self.aborted)
        return self.ended or kind is Kind.BIRTH or created


def first_kind(life: Life, dialect: Dialect) -> Kind:
    """What its first line is."""
    own = dialect.own(life.lines[0][1])
    return dialect.kind(own) if own is not None else Kind.OTHER
