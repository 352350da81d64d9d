"""Which mailbox a followed message is looked for in: chosen, kept for the session or with the profile's
secrets, its certificate trusted."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QDialog

from smtpadmin.gui.ask import ask
from smtpadmin.gui.send.follow_pane import FollowPane
from smtpadmin.gui.send.mailbox_dialog import MailboxDialog
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.trust_question import show_question
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.errors import UntrustedError
from smtpadmin.model.follow import FollowReport
from smtpadmin.model.mailbox import MailboxAccount
from smtpadmin.model.profile import Profile
from smtpadmin.services.mailbox_accounts import keep_mailbox, kept_mailbox
from smtpadmin.services.mailbox_watch import shown_certificate


class MailboxChoice:
    """For the follow pane of one dialog; ``profile`` is None without a server."""

    def __init__(
        self,
        workspace: Workspace,
        profile: Profile | None,
        pane: FollowPane,
        dialog: QDialog,
        scope: TaskScope,
    ) -> None:
        self._workspace, self._profile, self._pane = workspace, profile, pane
        self._dialog, self._scope = dialog, scope
        self._key = profile.uuid if profile is not None else ""
        pane.mailbox_wanted.connect(self._on_wanted)
        scope.spawn("mailbox", self._find())

    async def _find(self) -> None:
        account = self._workspace.mailboxes.get(self._key)
        if account is None and self._profile is not None:
            store = self._workspace.store_of(self._profile)
            account = await kept_mailbox(store, self._profile)
        self._pane.show_mailbox(account)

    def _on_wanted(self) -> None:
        self._scope.spawn("choose mailbox", self._choose())

    async def _choose(self) -> None:
        name = self._profile.name if self._profile is not None else ""
        dialog = MailboxDialog(self._pane.mailbox, name, self._dialog)
        if await ask(dialog) != QDialog.DialogCode.Accepted:
            return
        self._use(dialog.account)
        if dialog.account is not None and self._profile is not None and dialog.keep.isChecked():
            store = self._workspace.store_of(self._profile)
            await keep_mailbox(store, self._profile, dialog.account)

    def _use(self, account: MailboxAccount | None) -> None:
        self._pane.show_mailbox(account)
        self._workspace.mailboxes.pop(self._key, None)
        if account is not None:
            self._workspace.mailboxes[self._key] = account

    async def ask_trust(self, report: FollowReport) -> None:
        """Where the mailbox's certificate stood in the way: whether it is the right one."""
        account = self._pane.mailbox
        failure = report.failures.get(account.where) if account is not None else None
        if account is None or not isinstance(failure, UntrustedError) or failure.changed:
            return
        seen = await shown_certificate(account)
        if seen:
            error = UntrustedError(failure.what, where=failure.where, fingerprint=seen)
            show_question(self._pane.banner, error, lambda: self._trust(seen))

    def _trust(self, fingerprint: str) -> None:
        account = self._pane.mailbox
        if account is not None:
            self._use(replace(account, fingerprint=fingerprint))
            words = self._pane.tr("Trusted; send another message to look into the mailbox")
            self._pane.banner.show_message("ok", words)
