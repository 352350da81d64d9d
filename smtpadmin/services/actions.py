"""Acting on queued messages, safely: the only way from a button or a command to a server.

Whatever the caller shows or hides, here the safety level is enforced, the queue is listed again and
compared with what the user saw, copies are kept before anything is removed, the outcome is taken
from the server's answer for each message, and everything is journalled. Taking back: ``undo``.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from smtpadmin.connectors.api import MessageSource, QueueControl, QueueSource, ability
from smtpadmin.model.activity import Activity
from smtpadmin.model.errors import NotPermittedError, SmtpadminError, StorageError, UnreachableError
from smtpadmin.model.profile import Profile, SafetyLevel
from smtpadmin.model.queue import (
    DESTRUCTIVE,
    ActionOffer,
    ActionResult,
    QueueAction,
    QueueEntry,
    StoredMessage,
)
from smtpadmin.services.action_preview import (
    ActionPreview,
    Confirmed,
    make_preview,
    needs_confirmation,
)
from smtpadmin.util.signal import Signal
from smtpadmin.util.tasks import run_blocking

BATCH = 100
"""Messages handed to the server at once: what a Cancel has to wait for."""

COPIES_AT_ONCE = 4
"""Messages fetched at the same time: over a link most of each is waiting."""

GONE = "no longer in the queue"
CHANGED = "the queue ID now belongs to another message"
NOT_TRIED = "not tried"
NOT_SAID = "the server did not say whether it was done"
NO_COPY = "not removed, because no copy could be kept"
_SHOWN_FAILURES = 5


class KeepsRecords(Protocol):
    """The activity journal (``settings.journal.Journal``); its calls block."""

    def write(self, activity: Activity) -> None:
        """Append. Raises StorageError."""
        ...

    def read(self, most: int = 1_000) -> list[Activity]:
        """The newest first. Raises StorageError."""
        ...

    def keep_copy(self, message: StoredMessage, server: str) -> str:
        """Keep message and envelope; gives its path. Raises StorageError."""
        ...

    def load_copy(self, path: str) -> StoredMessage:
        """A kept copy. Raises StorageError."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running action is."""

    done: int
    total: int
    failed: int


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """One result for each message asked for, in order. ``error`` is why it stopped early, if it
    did; the rest was then not tried. ``activity`` is the journal's entry."""

    results: tuple[ActionResult, ...]
    activity: Activity
    error: SmtpadminError | None = None

    @property
    def ok(self) -> int:
        """Messages for which it worked."""
        return sum(result.ok for result in self.results)

    @property
    def failed(self) -> tuple[ActionResult, ...]:
        """Messages for which it did not."""
        return tuple(result for result in self.results if not result.ok)


@dataclass(slots=True)
class _Run:
    """What happened so far, message by message; filled in as it happens."""

    action: QueueAction
    entries: Sequence[QueueEntry]
    undo_of: str | None = None
    results: dict[int, ActionResult] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)
    copies: dict[int, str] = field(default_factory=dict)
    error: SmtpadminError | None = None

    def set(self, position: int, ok: bool, message: str = "") -> None:
        """The result for the entry at a position."""
        self.results[position] = ActionResult(self.entries[position].queue_id, ok, message)

    def all_results(self) -> tuple[ActionResult, ...]:
        """One for each entry; those without one were not tried."""
        return tuple(
            self.results.get(n) or ActionResult(entry.queue_id, False, NOT_TRIED)
            for n, entry in enumerate(self.entries)
        )


class QueueActions:
    """Actions on the queue of one server. ``progressed`` tells how far, ``done`` each journalled
    outcome."""

    def __init__(
        self, connector: object, profile: Profile, journal: KeepsRecords, *, batch: int = BATCH
    ) -> None:
        self.profile = profile
        self.progressed: Signal[[Progress]] = Signal()
        self.done: Signal[[ActionOutcome]] = Signal()
        self.journal = journal
        self._connector = connector
        self._batch = batch
        self._cancelled = False

    def offers(self) -> tuple[ActionOffer, ...]:
        """Every action; why one is not available, be it for the server or for the profile."""
        control = ability(self._connector, QueueControl)
        if control is None:
            why = "this kind of server cannot be acted on"
            return tuple(ActionOffer(action, False, why) for action in QueueAction)
        offers = control.offers()
        if self.profile.safety is SafetyLevel.READ_ONLY:
            why = "the profile is read-only"
            return tuple(replace(offer, available=False, why_not=why) for offer in offers)
        return offers

    def preview(self, action: QueueAction, entries: Sequence[QueueEntry]) -> ActionPreview:
        """What the action would do; changes nothing and asks the server nothing."""
        copies = ability(self._connector, MessageSource) is not None
        return make_preview(self.profile, self._offer(action), entries, keeps_copies=copies)

    def cancel(self) -> None:
        """Stop a running action after the messages now being handled."""
        self._cancelled = True

    async def run(
        self,
        action: QueueAction,
        entries: Sequence[QueueEntry],
        confirmed: Confirmed | None = None,
        *,
        keep_copies: bool = True,
        undo_of: str | None = None,
    ) -> ActionOutcome:
        """Do it. Raises NotPermittedError (read-only, not confirmed, not offered) and whatever the
        listing before it raises; nothing was done then. Later errors are in the outcome."""
        self.demand_permission(action, entries, confirmed)
        run = _Run(action, entries, undo_of)
        self._cancelled = False
        standing = await self._compare(run)
        try:
            await self._act_in_batches(run, standing, keep_copies and action in DESTRUCTIVE)
        finally:
            outcome = await asyncio.shield(self._journalled(run))
        self.done.emit(outcome)
        return outcome

    def demand_permission(
        self,
        action: QueueAction,
        entries: Sequence[QueueEntry] = (),
        confirmed: Confirmed | None = None,
    ) -> None:
        """Raises NotPermittedError unless profile, server and user allow the action."""
        offer = self._offer(action)
        if not offer.available:
            raise NotPermittedError(
                f"{action} is not possible: {offer.why_not}",
                where=self.profile.name,
                remedy="Change the safety level in the server's settings."
                if self.profile.safety is SafetyLevel.READ_ONLY
                else "",
            )
        if not needs_confirmation(self.profile, action):
            return
        identities = {entry.identity for entry in entries}
        if (
            confirmed is None
            or confirmed.action != action
            or not identities <= confirmed.identities
        ):
            raise NotPermittedError(
                f"{action} was not confirmed for these messages",
                where=self.profile.name,
                remedy="Look at the preview and confirm it.",
            )

    def _offer(self, action: QueueAction) -> ActionOffer:
        for offer in self.offers():
            if offer.action is action:
                return offer
        return ActionOffer(action, False, "this kind of server does not have it")

    async def _compare(self, run: _Run) -> list[int]:
        """Positions of the entries that are still what the user saw; the others get a result."""
        current = await self._list_again({entry.queue_id for entry in run.entries})
        standing: list[int] = []
        for position, entry in enumerate(run.entries):
            now = current.get(entry.queue_id)
            if now is None:
                run.set(position, False, GONE)
            elif now.identity != entry.identity:
                run.set(position, False, CHANGED)
            elif already := _already(run.action, now):
                run.set(position, True, already)
            else:
                standing.append(position)
        return standing

    async def _list_again(self, wanted: set[str]) -> dict[str, QueueEntry]:
        source = ability(self._connector, QueueSource)
        found: dict[str, QueueEntry] = {}
        if source is None:
            return found
        listing = source.list_queue()
        try:
            async for batch in listing:
                found.update({e.queue_id: e for e in batch if e.queue_id in wanted})
                if len(found) == len(wanted):
                    break
        finally:
            if isinstance(listing, AsyncGenerator):
                await listing.aclose()
        return found

    async def _act_in_batches(self, run: _Run, standing: list[int], keep_copies: bool) -> None:
        for start in range(0, len(standing), self._batch):
            if self._cancelled or run.error is not None:
                return
            batch = standing[start : start + self._batch]
            if keep_copies:
                batch = await self._with_copies(run, batch)
            if batch:
                await self._act(run, batch)
            failed = sum(not result.ok for result in run.results.values())
            self.progressed.emit(Progress(len(run.results), len(run.entries), failed))

    async def _with_copies(self, run: _Run, batch: list[int]) -> list[int]:
        """Positions of which a copy is on disk now."""
        kept: list[int] = []
        for start in range(0, len(batch), COPIES_AT_ONCE):
            if run.error is not None:
                break
            group = batch[start : start + COPIES_AT_ONCE]
            copies = (self._keep_copy(run.entries[position]) for position in group)
            outcomes = await asyncio.gather(*copies, return_exceptions=True)
            for position, outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, str):
                    run.copies[position] = outcome
                    kept.append(position)
                elif isinstance(outcome, SmtpadminError):
                    run.set(position, False, f"{NO_COPY}: {outcome.what}")
                    # None of these will be better for the next message.
                    if isinstance(outcome, StorageError | UnreachableError | NotPermittedError):
                        run.error = outcome
                        break
                else:
                    raise outcome
        return kept

    async def _keep_copy(self, entry: QueueEntry) -> str:
        source = ability(self._connector, MessageSource)
        if source is None:
            raise NotPermittedError("this kind of server does not hand messages out")
        message = await source.fetch_message(entry.queue_id)
        delivered = {r.address for r in entry.recipients if r.delivered}
        waiting = tuple(address for address in message.recipients if address not in delivered)
        copy = replace(message, recipients=waiting, arrived=message.arrived or entry.arrived)
        return await run_blocking(self.journal.keep_copy, copy, self.profile.name)

    async def _act(self, run: _Run, batch: list[int]) -> None:
        control = ability(self._connector, QueueControl)
        assert control is not None  # the offer was available
        for position in batch:  # what holds if the connection breaks, or we do, before the answer
            kept = f"; its copy: {run.copies[position]}" if position in run.copies else ""
            run.set(position, False, f"{NOT_SAID}{kept}")
        try:
            answers = await control.act(run.action, [run.entries[n] for n in batch])
        except SmtpadminError as error:
            run.error = error
            return
        for position, answer in zip(batch, answers, strict=False):
            run.set(position, answer.ok, answer.message)
            if answer.ok:
                run.touched.append(answer.queue_id)

    async def _journalled(self, run: _Run) -> ActionOutcome:
        results = run.all_results()
        activity = Activity(
            id=uuid.uuid4().hex,
            time=datetime.now(UTC),
            server=self.profile.name,
            action=run.action,
            queue_ids=tuple(run.touched),
            commands=self._offer(run.action).commands,
            ok=sum(result.ok for result in results),
            failed=sum(not result.ok for result in results),
            result=summary(results),
            copies=tuple(run.copies[n] for n in sorted(run.copies) if results[n].ok),
            undo_of=run.undo_of,
        )
        error = await self.record(activity)
        return ActionOutcome(results, activity, run.error or error)

    async def record(self, activity: Activity) -> SmtpadminError | None:
        """Write to the journal; gives the error when that fails, for what was done is done."""
        try:
            await run_blocking(self.journal.write, activity)
        except (StorageError, UnreachableError) as error:
            return error
        return None


def _already(action: QueueAction, entry: QueueEntry) -> str:
    """Why there is nothing to do; undo must not touch what this action did not."""
    held = entry.queue == "hold" or entry.frozen
    if action is QueueAction.HOLD and held:
        return "was held already"
    if action is QueueAction.RELEASE and not held:
        return "was not held"
    return ""


def summary(results: Sequence[ActionResult]) -> str:
    """``61 ok, 2 failed: ID reason; ID reason``."""
    failures = [result for result in results if not result.ok]
    text = f"{len(results) - len(failures)} ok, {len(failures)} failed"
    if not failures:
        return text
    named = "; ".join(f"{f.queue_id} {f.message}".strip() for f in failures[:_SHOWN_FAILURES])
    more = "; …" if len(failures) > _SHOWN_FAILURES else ""
    return f"{text}: {named}{more}"


class PendingDelete:
    """A destructive action that waits ``delay`` seconds at our side before it is sent.

    Run it in a task: ``owner.spawn("delete", pending.run())``. If that task is cancelled while it
    waits (the window closes), nothing is sent.
    """

    def __init__(self, send: Callable[[], Awaitable[ActionOutcome]], delay: float = 5.0) -> None:
        self.delay = delay
        self.sent = False
        self._send = send
        self._cancelled = asyncio.Event()

    def cancel(self) -> bool:
        """Call it off; False when it was sent already (undo it then)."""
        if not self.sent:
            self._cancelled.set()
        return not self.sent

    async def run(self) -> ActionOutcome | None:
        """Wait, then act; None when it was called off."""
        try:
            async with asyncio.timeout(self.delay):
                await self._cancelled.wait()
            return None
        except TimeoutError:
            if self._cancelled.is_set():
                return None
        self.sent = True
        return await self._send()
