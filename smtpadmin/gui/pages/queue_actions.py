"""Actions on queued messages, from the question to the way back: preview, confirmation, the seconds in
which a delete can still be stopped, what failed, undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog

from smtpadmin.gui.ask import ask
from smtpadmin.gui.dialogs.confirm_action import ConfirmAction
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.queue import INVERSE, QueueAction, QueueEntry
from smtpadmin.services.actions import ActionOutcome, PendingDelete, Progress
from smtpadmin.services.undo import can_undo, undo

_DONE = {
    QueueAction.RETRY: "{0} messages are tried now",
    QueueAction.HOLD: "{0} messages held",
    QueueAction.RELEASE: "{0} messages released",
    QueueAction.REQUEUE: "{0} messages requeued",
    QueueAction.BOUNCE: "{0} messages bounced",
    QueueAction.DELETE: "{0} messages deleted",
}


class QueueActions(QObject):
    """For one page. ``banner`` tells what went wrong, ``refresh`` lists the queue anew; ``pending``
    is a delete that can still be stopped."""

    def __init__(self, page: Page, banner: Banner, refresh: Callable[[], None]) -> None:
        super().__init__(page)
        self.pending: PendingDelete | None = None
        self._page = page
        self._context = page.context
        self._banner = banner
        self._refresh = refresh
        self._last: ActionOutcome | None = None
        self._context.actions.progressed.connect(self._on_progress)

    def act(self, action: QueueAction, entries: Sequence[QueueEntry]) -> None:
        """Do an action to these messages; asks first when it must."""
        if entries:
            self._page.scope.spawn(f"{action}", self._act(action, entries))

    async def _act(self, action: QueueAction, entries: Sequence[QueueEntry]) -> None:
        actions = self._context.actions
        preview = actions.preview(action, entries)
        if not preview.available:
            self._say(self.tr("{0} is not possible: {1}").format(action, preview.why_not))
            return
        confirmed, copies = preview.confirm(preview.typed_name), True
        if preview.destructive:
            dialog = ConfirmAction(preview, self._page)
            if await ask(dialog) != QDialog.DialogCode.Accepted:
                return
            copies = dialog.copies.isChecked()
        try:
            if action is QueueAction.DELETE:
                outcome = await self._delete_later(entries, confirmed, copies)
            else:
                outcome = await actions.run(action, entries, confirmed, keep_copies=copies)
        except SmtpadminError as error:
            self._show_error(error)
            return
        if outcome is not None:
            self._tell(action, outcome)
        self._refresh()

    async def _delete_later(
        self, entries: Sequence[QueueEntry], confirmed: object, copies: bool
    ) -> ActionOutcome | None:
        from smtpadmin.services.action_preview import Confirmed

        assert isinstance(confirmed, Confirmed)
        actions = self._context.actions
        pending = PendingDelete(
            lambda: actions.run(QueueAction.DELETE, entries, confirmed, keep_copies=copies)
        )
        self.pending = pending
        words = self.tr("Deleting {0} messages in {1} s").format(len(entries), round(pending.delay))
        self._context.notice.emit(words, self._cancel_pending)
        outcome = await pending.run()
        self.pending = None
        if outcome is None:
            self._say(self.tr("Nothing was deleted"))
        return outcome

    def _cancel_pending(self) -> None:
        if self.pending is not None:
            self.pending.cancel()

    def _tell(self, action: QueueAction, outcome: ActionOutcome) -> None:
        self._last = outcome
        if outcome.failed:
            listed = "\n".join(f"{f.queue_id}: {f.message}" for f in outcome.failed[:8])
            more = len(outcome.failed) - 8
            listed += self.tr("\n… and {0} more").format(more) if more > 0 else ""
            self._banner.setProperty("about", "action")
            self._banner.show_message(
                "warn",
                self.tr("{0}: {1} done, {2} not").format(action, outcome.ok, len(outcome.failed)),
                listed,
                details="\n".join(f"{f.queue_id}: {f.message}" for f in outcome.failed),
            )
        if outcome.error is not None:
            self._show_error(outcome.error)
        if outcome.ok:
            way_back = action in INVERSE or can_undo(outcome.activity)
            words = self.tr(_DONE[action]).format(outcome.ok)
            self._context.notice.emit(words, self.undo_last if way_back else None)

    def undo_last(self) -> None:
        """Take the last action back (Ctrl+Z)."""
        if self.pending is not None:
            self._cancel_pending()
        elif self._last is not None:
            self._page.scope.spawn("undo", self._undo(self._last))
        else:
            self._say(self.tr("There is nothing to undo"))

    async def _undo(self, outcome: ActionOutcome) -> None:
        self._last = None
        try:
            done = await undo(
                self._context.actions, self._context.session.connector, outcome.activity
            )
        except SmtpadminError as error:
            self._show_error(error)
            return
        self._say(self.tr("Undone: {0} of {1}").format(done.ok, len(done.results)))
        self._refresh()

    def _on_progress(self, progress: Progress) -> None:
        words = self.tr("{0} of {1} messages").format(progress.done, progress.total)
        self._context.busy.emit(words, progress.done, progress.total)

    def _show_error(self, error: SmtpadminError) -> None:
        self._banner.setProperty("about", "action")
        self._banner.show_message("err", error.what, error.remedy, details=str(error))

    def _say(self, words: str) -> None:
        self._context.notice.emit(words, None)
