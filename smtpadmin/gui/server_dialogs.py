"""Adding, editing and removing servers: the dialogs, and what the window does after them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QFileDialog

from smtpadmin.gui.ask import ask
from smtpadmin.gui.workspace import CATCH

if TYPE_CHECKING:
    from smtpadmin.gui.main_window import MainWindow
    from smtpadmin.model.profile import Profile


LOG_FILES = "log-files"
"""The kind of ``services.log_files``, which is loaded when it is needed."""


class ServerDialogs:
    """Each method returns at once; the dialog is the window's task."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def add(self) -> None:
        """Ask for a new server and show it."""
        self._window.scope.spawn("add server", self._add())

    def open_logs(self, paths: Sequence[Path] = ()) -> None:
        """Show log files of this computer; asks which when none are named."""
        self._window.scope.spawn("open logs", self._open_logs(paths))

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

    async def _open_logs(self, paths: Sequence[Path]) -> None:
        chosen = list(paths) or await self._ask_for_logs()
        if chosen:
            profile = await self._window.workspace.open_logs(chosen)
            await self._window.open_server(profile.uuid, "logs")

    def open_catch(self) -> None:
        """Start a catch server and show it; one that there is already is shown."""
        self._window.scope.spawn("catch server", self._open_catch())

    async def _open_catch(self) -> None:
        window = self._window
        known = next((p for p in window.workspace.known if p.kind == CATCH), None)
        profile = known or await window.workspace.open_catch()
        await window.open_server(profile.uuid, "caught")

    async def _ask_for_logs(self) -> list[Path]:
        window = self._window
        dialog = QFileDialog(window, window.tr("Open log files: plain, gzip, zstd, xz or bzip2"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog, True)
        accepted = await ask(dialog) == QDialog.DialogCode.Accepted
        return [Path(name) for name in dialog.selectedFiles()] if accepted else []

    async def _edit(self, uuid: str) -> None:
        from smtpadmin.gui.dialogs.edit_server import EditServer

        window, profile = self._window, self._profile(uuid)
        if profile is None:
            return
        if profile.kind == LOG_FILES:
            window.toast.show_notice(window.tr("Open the files again to change what is read"), None)
            return
        if profile.kind == CATCH:
            await window.open_server(uuid, "settings")
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
