"""The left side of the send-test dialog: a recipe as a form, with presets and what Send does."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.icons import tint
from smtpadmin.gui.send.advanced_form import AdvancedForm
from smtpadmin.gui.send.letter_form import LetterForm
from smtpadmin.gui.send.target_form import TargetForm
from smtpadmin.model.recipe import Recipe
from smtpadmin.model.smtp_plan import SendPlan, TlsPlan, TlsUse
from smtpadmin.services.letter_presets import HEADER_TITLES, LETTER_PRESETS, apply_preset
from smtpadmin.settings import paths

if TYPE_CHECKING:
    from smtpadmin.transport.smtp_run import Secrets

USUAL = SendPlan(tls=TlsPlan(TlsUse.STARTTLS))


class _FormArea(QScrollArea):
    """Scrolls down, never aside: it is as wide as its form needs."""

    def minimumSizeHint(self) -> QSize:
        inside = self.widget()
        wide = inside.minimumSizeHint().width() if inside is not None else 0
        return QSize(wide + self.verticalScrollBar().sizeHint().width(), 80)


class ComposePane(QWidget):
    """``recipe`` gives what was typed, ``fill`` shows a recipe. ``send_wanted`` and ``stop_wanted``
    come from one button; ``file_wanted`` asks for files of a role."""

    send_wanted = Signal()
    stop_wanted = Signal()
    file_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._base = USUAL
        self._sending = False
        self.target, self.letter, self.advanced = TargetForm(), LetterForm(), AdvancedForm()
        self.target.edited.connect(self._forget_trust)
        self.letter.file_wanted.connect(self.file_wanted.emit)
        self.presets = QPushButton(self.tr("&Presets"))
        self.presets.setMenu(self._presets_menu())
        self.recipes = QPushButton(self.tr("&Recipe"))
        self.more = QPushButton()
        self.follow = QCheckBox(self.tr("Follow it to the end"))
        self.follow.setToolTip(self.tr("Through every open server, and into the mailbox"))
        self.send = QPushButton(self.tr("&Send"))
        self._lay_out()
        self._show_advanced(False)

    def _lay_out(self) -> None:
        for button in (self.presets, self.recipes):
            button.setObjectName("menuButton")
        tint(self.presets, "beaker")
        tint(self.recipes, "bookmark")
        self.more.setObjectName("flat")
        self.more.setCheckable(True)
        self.more.toggled.connect(self._show_advanced)
        self.send.setObjectName("primary")
        self.send.setDefault(True)
        self.send.clicked.connect(self._on_send)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(_row(self.presets, self.recipes, None))
        column.addWidget(self._scrolled(), 1)
        column.addLayout(_row(self.follow, None, self.send))

    def _scrolled(self) -> QScrollArea:
        self._inside = inside = QWidget()
        inside.setObjectName("dialogGround")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.target)
        column.addWidget(self.letter, 1)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.advanced)
        self.area = _FormArea()
        self.area.setObjectName("dialogGround")
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(inside)
        return self.area

    def _presets_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for preset in LETTER_PRESETS:
            action = menu.addAction(self.tr(preset.title))
            action.setToolTip(self.tr(preset.help))
            action.setObjectName(preset.name)
            action.triggered.connect(functools.partial(self.use_preset, preset.name))
        more = menu.addMenu(self.tr("More headers"))
        more.setToolTipsVisible(True)
        for name, headers in HEADER_TITLES.items():
            action = more.addAction(name)
            action.setToolTip(headers)
            action.triggered.connect(functools.partial(self.use_preset, name))
        return menu

    # In and out.

    def fill(self, recipe: Recipe) -> None:
        """Show a recipe. The password stays: no recipe has one."""
        self._base = recipe.plan
        self.target.fill(recipe.plan)
        self.letter.fill(recipe.letter)
        self.advanced.fill(recipe.plan)
        self._name_advanced()

    def recipe(self) -> Recipe:
        """What was typed. Raises UsageError."""
        self.letter.demand_envelope()
        letter = self.letter.letter()
        plan = self.target.apply(self.advanced.apply(self._base), letter.to)
        return Recipe(letter, plan)

    def draft(self) -> Recipe:
        """What was typed as far as it goes: a server may be missing. Raises UsageError."""
        letter, plan = self.letter.letter(), self.advanced.apply(self._base)
        if self.target.host.text().strip() or self.target.direct.isChecked():
            plan = self.target.apply(plan, letter.to)
        return Recipe(letter, plan)

    def secrets(self) -> Secrets:
        """What no recipe holds."""
        from smtpadmin.transport.smtp_run import Secrets

        return Secrets(self.target.password.text())

    def trust(self, fingerprint: str) -> None:
        """Accept a certificate, for this server and this dialog."""
        self.advanced.editors["tls", "fingerprint"].setText(fingerprint)  # type: ignore[union-attr]
        self._name_advanced()

    def use_preset(self, name: str, *_: object) -> None:
        """Change the form by a preset. Raises UsageError, OSError."""
        recipe = apply_preset(self.draft(), name, paths.state_dir() / "samples")
        host, sender = self.target.host.text(), self.letter.from_.text()
        self.fill(recipe)
        self.target.host.setText(host)
        if recipe.letter.sender or name != "null-sender":
            self.letter.from_.setText(sender)

    def _forget_trust(self) -> None:
        """Another server has another certificate."""
        if self._base.tls.fingerprint:
            self.trust("")

    # What it looks like.

    @property
    def is_sending(self) -> bool:
        """Whether a session runs."""
        return self._sending

    def set_sending(self, sending: bool) -> None:
        """While a session runs, the button ends it."""
        self._sending = sending
        self.send.setText(self.tr("&Stop") if sending else self.tr("&Send"))

    def _on_send(self) -> None:
        (self.stop_wanted if self._sending else self.send_wanted).emit()

    def _show_advanced(self, shown: bool) -> None:
        self.advanced.setVisible(shown)
        tint(self.more, "chevron-down" if shown else "chevron-right")
        self._name_advanced()
        if shown:
            # Laid out first: only then it is known where it lies.
            self._inside.adjustSize()
            self.area.verticalScrollBar().setValue(self.more.y())

    def _name_advanced(self) -> None:
        changed = self.advanced.changed_from(USUAL)
        words = (
            self.tr("Advanced ({0} changed)").format(changed) if changed else self.tr("Advanced")
        )
        self.more.setText(words)


def _row(*widgets: QWidget | None) -> QHBoxLayout:
    """In a row; None stretches."""
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        if widget is None:
            row.addStretch(1)
        else:
            row.addWidget(widget)
    return row
