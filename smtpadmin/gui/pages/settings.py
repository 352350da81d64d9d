"""The Settings page: what is kept about this server, where, and the ways to change it."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from smtpadmin.gui.icons import tint
from smtpadmin.gui.pages.page import Page
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.widgets.label import Label
from smtpadmin.services.profile_form import values_of
from smtpadmin.services.servers import declared_settings
from smtpadmin.util.text import visible

NOT_SET = "—"


class SettingsPage(Page):
    """Read here, changed in the editor, so that nothing changes by a slip."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__(context, "Settings")
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(self._facts()):
            label = Label(name)
            label.setObjectName("muted")
            shown = Label(visible(value, 600))
            shown.setTextFormat(Qt.TextFormat.PlainText)
            shown.setWordWrap(True)
            shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(shown, row, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(20)
        column.addLayout(grid)
        column.addLayout(self._buttons())
        column.addStretch(1)

    def _facts(self) -> Iterator[tuple[str, str]]:
        profile, workspace = self.context.profile, self.context.workspace
        yield self.tr("Name"), profile.name
        yield self.tr("Kind"), type(self.context.session.connector).title
        values = values_of(profile)
        for field in declared_settings(profile.kind):
            kept = self.tr("kept with the profile, never shown")
            value = kept if field.secret else values.get(field.name) or field.default
            yield field.label, value or NOT_SET
        yield self.tr("Environment"), profile.environment.value
        yield self.tr("Safety level"), profile.safety.value
        for place, fingerprint in profile.trust.items():
            yield self.tr("Trusted by you"), f"{place}  SHA-256 {fingerprint}"
        yield self.tr("Kept in"), workspace.store_of(profile).store.describe()

    def _buttons(self) -> QHBoxLayout:
        row, context = QHBoxLayout(), self.context
        row.addWidget(_button(self.tr("Edit server…"), "settings", context.edit_wanted))
        words = self.tr("Settings for a third-party form…")
        row.addWidget(_button(words, "copy", context.card_wanted))
        row.addStretch(1)
        row.addWidget(_button(self.tr("Remove server…"), "trash", context.remove_wanted))
        return row


def _button(words: str, icon: str, wanted: SignalInstance) -> QWidget:
    button = QPushButton(words)
    tint(button, icon)
    button.clicked.connect(wanted)
    return button
