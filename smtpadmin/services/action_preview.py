"""What an action would do, told before it is done, and the consent that is made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Environment, Profile, SafetyLevel
from smtpadmin.model.queue import DESTRUCTIVE, ActionOffer, QueueAction, QueueEntry
from smtpadmin.services.columns import domain_of

MANY = 100
"""A destructive action on more messages wants the server's name typed."""

SAMPLE = 3


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Consent to one action on the messages of one preview, and no others."""

    action: QueueAction
    identities: frozenset[Hashable]


@dataclass(frozen=True, slots=True)
class ActionPreview:
    """What the user is asked about. ``destinations`` are domains with their recipients, the most
    first; ``size`` in octets; ``commands`` what will be sent; ``sends_bounce``: the senders are
    told; ``keeps_copies``: the server can hand the messages out, so that undo is possible.
    ``typed_name`` must be typed to go on; ``""`` when a click is enough."""

    action: QueueAction
    server: str
    entries: tuple[QueueEntry, ...]
    destinations: tuple[tuple[str, int], ...]
    oldest: datetime | None
    size: int
    commands: tuple[str, ...]
    available: bool
    why_not: str
    keeps_copies: bool
    needs_confirmation: bool
    typed_name: str

    @property
    def count(self) -> int:
        """How many messages."""
        return len(self.entries)

    @property
    def sample(self) -> tuple[QueueEntry, ...]:
        """The first few messages."""
        return self.entries[:SAMPLE]

    @property
    def destructive(self) -> bool:
        """Whether the messages will no longer be in the queue."""
        return self.action in DESTRUCTIVE

    @property
    def sends_bounce(self) -> bool:
        """Whether the senders get a bounce."""
        return self.action is QueueAction.BOUNCE

    @property
    def needs_typed_name(self) -> bool:
        """Whether a click is not enough."""
        return bool(self.typed_name)

    def confirm(self, typed_name: str = "") -> Confirmed:
        """The user's consent. Raises UsageError when the name is wanted and not the right one."""
        if self.typed_name and typed_name.strip().casefold() != self.typed_name.casefold():
            raise UsageError(
                f"{typed_name.strip()!r} is not the server's name",
                where=self.server,
                remedy=f"Type {self.typed_name} to {self.action} {self.count} messages.",
            )
        return Confirmed(self.action, frozenset(entry.identity for entry in self.entries))


def needs_confirmation(profile: Profile, action: QueueAction) -> bool:
    """Whether :class:`Confirmed` is demanded: for what cannot be taken back by its inverse."""
    return profile.safety is not SafetyLevel.FREE and action in DESTRUCTIVE


def make_preview(
    profile: Profile, offer: ActionOffer, entries: Sequence[QueueEntry], *, keeps_copies: bool
) -> ActionPreview:
    """The preview of one offered action."""
    action = offer.action
    careful = len(entries) > MANY or profile.environment is Environment.PRODUCTION
    domains = Counter(
        domain_of(r.address) for entry in entries for r in entry.recipients if not r.delivered
    )
    return ActionPreview(
        action=action,
        server=profile.name,
        entries=tuple(entries),
        destinations=tuple(domains.most_common()),
        oldest=min((e.arrived for e in entries if e.arrived), default=None),
        size=sum(entry.size or 0 for entry in entries),
        commands=offer.commands,
        available=offer.available,
        why_not=offer.why_not,
        keeps_copies=keeps_copies and action in DESTRUCTIVE,
        needs_confirmation=needs_confirmation(profile, action),
        typed_name=profile.name if careful and action in DESTRUCTIVE else "",
    )
