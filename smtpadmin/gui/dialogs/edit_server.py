"""Edits a profile: name, environment, safety level, and what its connector declares."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.server_view import ServerView
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.settings_form import SettingsForm
from smtpadmin.model.errors import SmtpadminError, UntrustedError
from smtpadmin.model.profile import Environment, Profile, SafetyLevel
from smtpadmin.services.profile_form import profile_from, values_of
from smtpadmin.services.servers import declared_settings
from smtpadmin.services.trust import may_accept, question, with_trust
from smtpadmin.settings.profiles import ProfileStore


class EditServer(QDialog):
    """Saves through the store, which notices when another window was faster."""

    def __init__(
        self, profile: Profile, store: ProfileStore, view: ServerView | None, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Edit {0}").format(profile.name))
        self._profile, self._store = profile, store
        self._scope = TaskScope(self, self._on_error)
        self.banner = Banner()
        self.name = QLineEdit(profile.name)
        self.name.setAccessibleName(self.tr("Name"))
        self.environment = _combo([e.value for e in Environment], profile.environment.value)
        self.environment.setAccessibleName(self.tr("Environment"))
        self.safety = _combo([s.value for s in SafetyLevel], profile.safety.value)
        self.safety.setAccessibleName(self.tr("Safety level"))
        own = (
            (self.tr("Name:"), self.name),
            (self.tr("Environment:"), self.environment),
            (self.tr("Safety level:"), self.safety),
        )
        self.form = SettingsForm(declared_settings(profile.kind), values_of(profile), own)
        self.save = QPushButton(self.tr("Save"))
        self.save.setObjectName("primary")
        self.save.clicked.connect(self._on_save)
        self._lay_out()
        error = view.context.status.error if view is not None else None
        if isinstance(error, UntrustedError) and may_accept(error):
            self._ask_trust(error)

    def _lay_out(self) -> None:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.save, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.addWidget(self.banner)
        column.addWidget(self.form)
        column.addStretch(1)
        column.addWidget(buttons)
        self.setMinimumWidth(64 * self.fontMetrics().averageCharWidth())

    def _ask_trust(self, error: UntrustedError) -> None:
        words = self.tr("Is this the server's {thing}?\n{fingerprint}\n{detail}")
        if error.changed:
            words = self.tr(
                "The {thing} has CHANGED. Ask the administrator first.\n{fingerprint}\n{detail}"
            )
        self._asked = error
        self.banner.show_message(
            "err" if error.changed else "warn",
            error.what,
            words.format(**question(error), detail=error.detail),
            button=self.tr("Yes, trust it"),
            action=self._trust,
        )

    def _trust(self) -> None:
        self._profile = with_trust(self._profile, self._asked.fingerprint, self._asked.place)
        self.banner.show_message(
            "ok", self.tr("Trusted when you save"), question(self._asked)["fingerprint"]
        )

    def _on_save(self) -> None:
        self._scope.spawn("save", self._save())

    async def _save(self) -> None:
        profile, secrets = profile_from(
            self._profile.kind,
            self.form.values(),
            name=self.name.text(),
            environment=Environment(self.environment.currentText()),
            safety=SafetyLevel(self.safety.currentText()),
            base=self._profile,
        )
        await self._store.update(profile, secrets)
        self.accept()

    def _on_error(self, name: str, error: BaseException) -> None:
        if isinstance(error, SmtpadminError):
            self.banner.show_message("err", error.what, error.remedy, details=str(error))
        else:
            raise error


def _combo(choices: list[str], current: str) -> QComboBox:
    combo = QComboBox()
    combo.addItems(choices)
    combo.setCurrentText(current)
    return combo
