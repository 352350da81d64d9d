"""The recipe menu: keep, open, share; swaks commands out and in. No secret leaves the dialog."""

from __future__ import annotations

import functools
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QMenu, QPushButton, QWidget

from smtpadmin.formats.swaks_command import swaks_command
from smtpadmin.gui.ask import ask
from smtpadmin.gui.dialogs.export import ask_for_file
from smtpadmin.gui.send.compose_pane import ComposePane
from smtpadmin.gui.send.name_dialog import NameDialog
from smtpadmin.gui.send.swaks_dialog import SwaksDialog
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.model.errors import NotPermittedError
from smtpadmin.services.recipes import kept_recipes, load_recipe, recipe_path, save_recipe
from smtpadmin.util.tasks import run_blocking


class RecipeMenu:
    """Fills the menu of the form's button each time it opens. What was done is told by the banner."""

    def __init__(
        self, parent: QWidget, compose: ComposePane, banner: Banner, scope: TaskScope
    ) -> None:
        self._parent, self._compose, self._banner, self._scope = parent, compose, banner, scope
        self.menu = QMenu(parent)
        self.menu.aboutToShow.connect(self.refill)
        self._button: QPushButton = compose.recipes
        self._button.setMenu(self.menu)
        self._last_name = ""

    def refill(self) -> None:
        """The actions, and the recipes that are kept now."""
        tr = self._parent.tr
        self.menu.clear()
        for words, do in (
            (tr("&Save…"), lambda: self._run("save", self._save())),
            (tr("Save to a &file…"), lambda: self._run("save to file", self._save_to_file())),
            (tr("&Open a file…"), lambda: self._run("open", self._open_file())),
            (None, None),
            (tr("&Copy as swaks"), self.copy_as_swaks),
            (tr("&Paste a swaks command…"), lambda: self._run("swaks", self._paste())),
        ):
            if words is None or do is None:
                self.menu.addSeparator()
            else:
                self.menu.addAction(words, do)
        names = list(kept_recipes())
        if names:
            self.menu.addSeparator()
        for name in names:
            self.menu.addAction(name, functools.partial(self.open_kept, name))

    def _run(self, name: str, coroutine: Coroutine[Any, Any, None]) -> None:
        self._scope.spawn(f"recipe {name}", coroutine)

    # Saving.

    async def _save(self) -> None:
        recipe = self._compose.draft()
        dialog = NameDialog(self._parent.tr("Save recipe"), self._last_name, self._parent)
        if await ask(dialog) == QDialog.DialogCode.Accepted:
            self._last_name = dialog.name.text().strip()
            path = recipe_path(self._last_name)
            await run_blocking(save_recipe, recipe, path)
            self._tell(self._parent.tr("Saved as {0}").format(self._last_name))

    async def _save_to_file(self) -> None:
        recipe = self._compose.draft()
        name = f"{self._last_name or 'test'}.json"
        path = await ask_for_file(self._parent, name, [self._parent.tr("Recipe (*.json)")])
        if path is not None:
            await run_blocking(save_recipe, recipe, path)
            self._tell(self._parent.tr("Saved as {0}").format(path.name))

    def _tell(self, words: str, text: str = "") -> None:
        self._banner.show_message("ok", words, text or self._parent.tr("It holds no password."))

    # Opening.

    def open_kept(self, name: str) -> None:
        """Show a recipe that is kept in the settings; it is one's own."""
        self._last_name = name
        self._run("open", self._open(recipe_path(name), allow_files=True))

    async def _open_file(self) -> None:
        dialog = QFileDialog(self._parent, self._parent.tr("Open recipe"))
        dialog.setNameFilters([self._parent.tr("Recipe (*.json)")])
        dialog.setOption(QFileDialog.Option.DontUseNativeDialog, True)
        if await ask(dialog) == QDialog.DialogCode.Accepted:
            await self._open(Path(dialog.selectedFiles()[0]), allow_files=False)

    async def _open(self, path: Path, *, allow_files: bool) -> None:
        try:
            recipe = await run_blocking(load_recipe, path, allow_files=allow_files)
        except NotPermittedError as error:
            self._ask_for_files(path, error)
            return
        self._compose.fill(recipe)
        words = self._parent.tr("Opened {0}").format(path.stem)
        self._tell(words, self._parent.tr("Type the password, if it needs one."))

    def _ask_for_files(self, path: Path, error: NotPermittedError) -> None:
        """A recipe of somebody else must not make us send away what lies on this machine."""
        self._banner.show_message(
            "warn",
            error.what,
            f"{error.where}\n{self._parent.tr('Who has made this recipe?')}",
            button=self._parent.tr("Let it read the file"),
            action=lambda: self._run("open", self._open(path, allow_files=True)),
        )

    # swaks.

    def copy_as_swaks(self) -> None:
        """The command line to the clipboard."""
        self._run("copy", self._copy())

    async def _copy(self) -> None:
        line, notes = swaks_command(self._compose.recipe())
        QGuiApplication.clipboard().setText(line)
        words = self._parent.tr("Copied; swaks will ask for the password")
        self._banner.show_message("warn" if notes else "ok", words, "\n".join(notes[:6]))

    async def _paste(self) -> None:
        dialog = SwaksDialog(self._parent)
        if await ask(dialog) == QDialog.DialogCode.Accepted and dialog.recipe is not None:
            self._compose.fill(dialog.recipe)
            words = self._parent.tr("The form shows what the command says")
            self._tell(words, self._parent.tr("Type the password, if it needs one."))
