"""Adding, editing and removing servers: the dialogs, and what the window does after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog

from smtpadmin.gui.ask import ask

if TYPE_CHECKING:
    from smtpadmin.gui.main_window import MainWindow
    from smtpadmin.model.profile import Profile


class ServerDialogs:
    """Each method returns at once; the dialog is the window's task."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def add(self) -> None:
        """Ask for a new server and show it."""
        self._window.scope.spawn("add server", self._add())

    def edit(self, uuid: str) -> None:
        """Change a profile and connect anew."""
        self._window.scope.spawn("edit server", self._edit(uuid))

    def remove(self, uuid: str) -> None:
        """Forget a profile and its secrets, after a question."""
        self._window.scope.spawn("remove server", self._remove(uuid))

    async def _add(self) -> None:
        from smtpadmin.gui.wizard.wizard import ServerWizard

        window = self._window
        dialog = ServerWizard(window.workspace, window)
        if await ask(dialog) == QDialog.DialogCode.Accepted and dialog.saved is not None:
            await window.workspace.reload()
            await window.open_server(dialog.saved.uuid)

    async def _edit(self, uuid: str) -> None:
        from smtpadmin.gui.dialogs.edit_server import EditServer

        window, profile = self._window, self._profile(uuid)
        if profile is None:
            return
        store = window.workspace.store_of(profile)
        dialog = EditServer(await store.get(uuid), store, window.views.get(uuid), window)
        if await ask(dialog) == QDialog.DialogCode.Accepted:
            await window.forget_view(uuid)
            await window.workspace.reload()
            await window.open_server(uuid)

    async def _remove(self, uuid: str) -> None:
        from smtpadmin.gui.dialogs.remove_server import RemoveServer
        from smtpadmin.services.servers import secret_names

        window, profile = self._window, self._profile(uuid)
        if profile is None:
            return
        if await ask(RemoveServer(profile, window)) != QDialog.DialogCode.Accepted:
            return
        await window.workspace.store_of(profile).remove(uuid, secret_names(profile.kind))
        await window.forget_view(uuid)
        await window.workspace.reload()

    def _profile(self, uuid: str) -> Profile | None:
        return next((p for p in self._window.workspace.known if p.uuid == uuid), None)
