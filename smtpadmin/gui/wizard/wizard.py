"""The connection wizard's window: three pages over the engine in ``services.wizard``."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.connectors.registry import connectors
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.settings_form import SettingsForm
from smtpadmin.gui.widgets.stage_list import StageList
from smtpadmin.gui.workspace import Workspace
from smtpadmin.model.errors import SmtpadminError, UntrustedError
from smtpadmin.model.profile import Environment, Profile, SafetyLevel
from smtpadmin.services.presets import presets
from smtpadmin.services.servers import declared_settings
from smtpadmin.services.trust import may_accept, question
from smtpadmin.services.wizard import Step, Wizard

_PAGES = (Step.SERVER, Step.LOGIN, Step.NAME)
_SAFETY_WORDS = {
    SafetyLevel.READ_ONLY: "Read-only: look, but change nothing",
    SafetyLevel.CONFIRM: "Confirm: ask before messages leave the queue",
    SafetyLevel.FREE: "Free: act at once",
}


class ServerWizard(QDialog):
    """``saved`` is the new profile after it was accepted."""

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Add server"))
        self.saved: Profile | None = None
        self.engine = Wizard(workspace.profiles or workspace.demo_profiles)
        self._scope = TaskScope(self, self._on_error)
        self.title, self.banner = Label(), Banner(closable=False)
        self.title.setObjectName("subtitle")
        self.kind, self.address, self.list = QComboBox(), QLineEdit(), StageList()
        self.form: SettingsForm | None = None
        self.name, self.environment, self.safety = QLineEdit(), QComboBox(), QComboBox()
        self.back, self.next = QPushButton(self.tr("&Back")), QPushButton(self.tr("&Next"))
        self.test = QPushButton(self.tr("&Test"))
        self._stack = QStackedWidget()
        self._login = QVBoxLayout()
        self._where = Label()
        self._lay_out()
        self._show()
        em = self.fontMetrics().averageCharWidth()
        self.resize(
            min(110 * em, parent.width()), min(30 * self.fontMetrics().height(), parent.height())
        )

    # Pages.

    def _lay_out(self) -> None:
        for page in (self._server_page(), self._login_page(), self._name_page()):
            self._stack.addWidget(page)
        buttons = QHBoxLayout()
        cancel = QPushButton(self.tr("Cancel"))
        cancel.clicked.connect(self.reject)
        self.back.clicked.connect(self._on_back)
        self.next.clicked.connect(self._on_next)
        self.next.setObjectName("primary")
        self.next.setDefault(True)
        self.test.clicked.connect(self._on_test)
        buttons.addWidget(cancel)
        buttons.addStretch(1)
        for button in (self.test, self.back, self.next):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(10)
        column.addWidget(self.title)
        column.addWidget(self.banner)
        column.addWidget(self._stack, 1)
        column.addLayout(buttons)

    def _server_page(self) -> QWidget:
        page = QWidget()
        for cls in connectors().values():
            self.kind.addItem(cls.title, cls.id)
        self.kind.setCurrentIndex(max(0, self.kind.findData("smtp")))
        self.kind.setAccessibleName(self.tr("Kind"))
        self.kind.currentIndexChanged.connect(self._on_kind)
        names = [preset.name for preset in presets()]
        completer = QCompleter(names, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.address.setCompleter(completer)
        self.address.setAccessibleName(self.tr("Host, address or provider"))
        look = QPushButton(self.tr("&Look"))
        look.clicked.connect(self._on_look)
        self._look = look
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        row = QHBoxLayout()
        row.addWidget(self.address, 1)
        row.addWidget(look)
        form.addRow(self.tr("&Kind:"), self.kind)
        label = Label(self.tr("&Server:"))
        label.setBuddy(self.address)
        form.addRow(label, row)
        self._hint = Label()
        self._hint.setObjectName("muted")
        self._hint.setWordWrap(True)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addWidget(self._hint)
        column.addWidget(self.list, 1)
        self._on_kind()
        return page

    def _login_page(self) -> QWidget:
        page = QWidget()
        page.setLayout(self._login)
        self._login.setContentsMargins(0, 0, 0, 0)
        self._where.setObjectName("muted")
        self._where.setWordWrap(True)
        self._login.addWidget(self._where)
        self._login.addStretch(1)
        return page

    def _name_page(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.setHorizontalSpacing(16)
        self.environment.addItems([e.value for e in Environment])
        self.environment.currentTextChanged.connect(self._on_environment)
        for level, words in _SAFETY_WORDS.items():
            self.safety.addItem(self.tr(words), level)
        for title, widget in (
            (self.tr("Na&me:"), self.name),
            (self.tr("&Environment:"), self.environment),
            (self.tr("&Safety:"), self.safety),
        ):
            label = Label(title)
            label.setBuddy(widget)
            widget.setAccessibleName(title.replace("&", "").rstrip(":"))
            form.addRow(label, widget)
        return page

    def _show(self) -> None:
        state = self.engine.state
        titles = {
            Step.SERVER: self.tr("Which server?"),
            Step.LOGIN: self.tr("How do you log in?"),
            Step.NAME: self.tr("What is it called, and how careful shall we be?"),
        }
        number = _PAGES.index(state.step)
        self.title.setText(self.tr("{0} of 3   {1}").format(number + 1, titles[state.step]))
        self._stack.setCurrentIndex(number)
        self.back.setEnabled(number > 0)
        self.test.setVisible(state.step is Step.LOGIN)
        self.next.setText(self.tr("&Save") if state.step is Step.NAME else self.tr("&Next"))
        self.banner.hide()
        if state.step is Step.LOGIN:
            self._fill_form()
        elif state.step is Step.NAME:
            self._fill_name()

    def _fill_form(self) -> None:
        if self.form is not None:
            self._login.removeWidget(self.form)
            self.form.deleteLater()
        state = self.engine.state
        self.form = SettingsForm(declared_settings(state.kind), state.values)
        self._login.insertWidget(0, self.form)
        words = self.tr("Password and profile are kept in: {0}").format(
            self.engine.where_secrets_go()
        )
        if state.preset is not None:
            rule = self.tr("{0}: user is {1}; password is {2}. {3}")
            preset = state.preset
            words = (
                rule.format(preset.name, preset.username_rule, preset.password_kind, preset.notes)
                + "\n"
                + words
            )
        self._where.setText(words)

    def _fill_name(self) -> None:
        state = self.engine.state
        profile, _ = self.engine.profile()
        self.name.setText(state.name or profile.name)
        self.environment.setCurrentText(state.environment.value)
        self.safety.setCurrentIndex(self.safety.findData(state.safety))
        self.name.setFocus()
        self.name.selectAll()

    def _note(self) -> None:
        """Hand what was typed to the engine."""
        step = self.engine.state.step
        if step is Step.SERVER:
            self.engine.update(
                kind=str(self.kind.currentData()), address=self.address.text().strip()
            )
        elif step is Step.LOGIN and self.form is not None:
            self.engine.update(values=self.form.values())
        elif step is Step.NAME:
            self.engine.update(
                name=self.name.text().strip(), safety=SafetyLevel(self.safety.currentData())
            )

    # What the user does.

    def _on_kind(self) -> None:
        builtin = self.kind.currentData() == "builtin"
        self._look.setVisible(not builtin)
        self.list.setVisible(not builtin)
        self.address.setPlaceholderText(
            "127.0.0.1:8025"
            if builtin
            else self.tr("mail.example.org, you@example.org, or SendGrid")
        )
        self._hint.setText(
            self.tr("The admin API that smtpadmin serve printed, HOST:PORT.")
            if builtin
            else self.tr(
                "Look tries its name, ports, encryption and certificate; a failed check blocks nothing."
            )
        )

    def _on_look(self) -> None:
        self._note()
        self._scope.cancel_all()
        self._scope.spawn("look", self._look_at())

    async def _look_at(self) -> None:
        self.list.start()
        self.banner.show_message("info", self.tr("Looking at {0}…").format(self.address.text()))
        async for check in self.engine.probe():
            self.list.add(check)
        preset = self.engine.state.preset
        words = (
            self.tr("This is {0}").format(preset.name)
            if preset
            else self.tr("Done; go on with Next")
        )
        self.banner.show_message("info", words, preset.notes if preset else "")

    def _on_next(self) -> None:
        self._scope.spawn("next", self._go_on())

    async def _go_on(self) -> None:
        self._note()
        if self.engine.state.step is Step.LOGIN and self.form is not None:
            self.form.check()
        if self.engine.state.step is Step.NAME:
            self.saved = await self.engine.save()
            self.accept()
            return
        self.engine.forward()
        self._show()

    def _on_back(self) -> None:
        self._note()
        self.engine.back()
        self._show()

    def _on_test(self) -> None:
        self._scope.spawn("test", self._try())

    async def _try(self) -> None:
        self._note()
        if self.form is not None:
            self.form.check()
        self.banner.show_message("info", self.tr("Connecting…"))
        found = await self.engine.test()
        self.banner.show_message(
            "ok", self.tr("It works: {0} {1}").format(found.software, found.version), found.path
        )

    def _on_environment(self, text: str) -> None:
        self.engine.choose_environment(Environment(text))
        self.safety.setCurrentIndex(self.safety.findData(self.engine.state.safety))

    def _on_error(self, name: str, error: BaseException) -> None:
        if isinstance(error, UntrustedError) and may_accept(error):
            words = self.tr("Is this the server's {thing}? {fingerprint}\n{detail}")
            self.banner.show_message(
                "warn", error.what, words.format(**question(error), detail=error.detail),
                button=self.tr("Yes, trust it"), action=lambda: self._trust(error),
            )  # fmt: skip
        elif isinstance(error, SmtpadminError):
            self.banner.show_message("err", error.what, error.remedy, details=str(error))
        else:
            raise error

    def _trust(self, error: UntrustedError) -> None:
        self.engine.trust(error.fingerprint, error.place)
        self._on_test()
