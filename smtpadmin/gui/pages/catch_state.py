"""The line above the catch server's pages: whether it listens and where, Start, Stop, and why not."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from smtpadmin.gui.icons import tint
from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.tasks import TaskScope
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.gui.widgets.elided_label import ElidedLabel
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.restyle import set_style_property
from smtpadmin.model.errors import SmtpadminError
from smtpadmin.model.profile import TlsMode
from smtpadmin.services.catch_host import CatchHost, CatchSetup, setup_record
from smtpadmin.services.session import GivenUpError, SessionState
from smtpadmin.transport.catch_listener import is_loopback

PREFERENCE = "catch"
_TLS = {
    TlsMode.NONE: "no TLS",
    TlsMode.STARTTLS: "STARTTLS",
    TlsMode.IMPLICIT: "TLS from the start",
}


class CatchState(QWidget):
    """Follows the server; its banner says in a sentence what hinders it."""

    def __init__(self, context: ServerContext, host: CatchHost) -> None:
        super().__init__()
        self._context, self._host = context, host
        self._scope = TaskScope(self, self._on_error)
        self.pill, self.words = Label(), ElidedLabel()
        self.pill.setObjectName("pill")
        self.words.setObjectName("muted")
        self.copy = QPushButton(self.tr("Copy address"))
        tint(self.copy, "copy")
        self.copy.clicked.connect(self._on_copy)
        self.toggle = QPushButton()
        self.toggle.clicked.connect(self._on_toggle)
        self.banner = Banner(closable=False)
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 4)
        row.setSpacing(8)
        row.addWidget(self.pill)
        row.addWidget(self.words, 1)
        row.addWidget(self.copy)
        row.addWidget(self.toggle)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.banner)
        host.changed.connect(self.refresh)
        context.status_changed.connect(self.refresh)
        self.refresh()

    def refresh(self, status: object = None) -> None:
        """Say how it is."""
        address, setup = self._host.address, self._host.setup
        running = address is not None
        self.pill.setText(self.tr("Listening") if running else self.tr("Stopped"))
        set_style_property(self.pill, "tone", "ok" if running else "warn")
        self.words.setText(_words(address, setup))
        self.copy.setEnabled(running)
        self.toggle.setText(self.tr("Stop") if running else self.tr("Start"))
        tint(self.toggle, "pause" if running else "play")
        self._show_banner(running, setup)

    def _show_banner(self, running: bool, setup: CatchSetup) -> None:
        error = self._context.status.error
        if running and not is_loopback(setup.host):
            self.banner.show_message(
                "warn", self.tr("Others can reach this server"),
                self.tr("Whoever reaches {0} may send it mail, and fill its memory up to its limit. "
                        "Stop it when you are done.").format(setup.host),
            )  # fmt: skip
        elif not running and error is not None and not isinstance(error, GivenUpError):
            self.banner.show_message(
                "err", error.what,
                f"{error.where}. {error.remedy}".lstrip(". "),
                button=self.tr("Try again"), action=self.start, details=str(error),
            )  # fmt: skip
        else:
            self.banner.hide()

    # Starting and stopping.

    def _on_toggle(self) -> None:
        self.stop() if self._host.address is not None else self.start()

    def start(self) -> None:
        """Listen again."""
        self._scope.spawn("start", self._start(self._host.setup))

    def stop(self) -> None:
        """Listen no more; what was caught stays."""
        self._scope.spawn("stop", self._stop())

    def set_up(self, setup: CatchSetup) -> None:
        """Listen otherwise, and remember it for the next window."""
        self._scope.spawn("set up", self._start(setup))

    async def _start(self, setup: CatchSetup) -> None:
        session = self._context.session
        try:
            await self._host.set_up(setup)
            session.probed = await self._host.probe()
        finally:
            self.keep()
        if session.state is SessionState.CONNECTED:
            session.changed.emit(session.status)
        else:
            session.retry_now()

    async def _stop(self) -> None:
        await self._host.stop_catching()
        stopped = GivenUpError("the catch server is stopped", remedy="Start it.")
        self._context.session.report(stopped)

    async def close_state(self) -> None:
        """Follow it no more."""
        self._host.changed.disconnect(self.refresh)
        await self._scope.close()

    def keep(self) -> None:
        """Remember the set-up for the next window."""
        self._context.workspace.preferences.set(PREFERENCE, setup_record(self._host.setup))

    def _on_error(self, name: str, error: BaseException) -> None:
        if not isinstance(error, SmtpadminError):
            raise error
        session = self._context.session
        if session.state is SessionState.CONNECTED:
            session.report(error)
        else:
            session.retry_now()  # tells the same, and goes on trying
        self.refresh()

    def _on_copy(self) -> None:
        address = self._host.address
        if address is not None:
            QGuiApplication.clipboard().setText(f"{address[0]}:{address[1]}")
            self._context.notice.emit(self.tr("Copied"), None)


def _words(address: tuple[str, int] | None, setup: CatchSetup) -> str:
    where = f"{address[0]}:{address[1]}" if address else f"{setup.host}:{setup.port or 'free port'}"
    count = len(setup.rules)
    rules = "no rules" if not count else "1 rule" if count == 1 else f"{count} rules"
    return f"{where} · {_TLS[setup.tls]} · login {setup.login.value} · {rules}"
