"""The banner of a server that cannot be reached: cause, how old the rows are, when the next try is."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import QTimer

from smtpadmin.gui.server_context import ServerContext
from smtpadmin.gui.time_format import age
from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.model.errors import UntrustedError
from smtpadmin.model.session_state import SessionState
from smtpadmin.services.session import SessionStatus
from smtpadmin.services.trust import question

TITLES = {
    SessionState.STALE: "The connection was lost; the rows below may be old",
    SessionState.OFFLINE: "The server cannot be reached",
    SessionState.AUTHENTICATION_FAILED: "The server refused the login",
    SessionState.UNTRUSTED: "The server could not prove who it is",
    SessionState.PERMISSION_DENIED: "The account may not do this",
}
"""The states in which the user is told that something is wrong."""
_TO_EDIT = frozenset({SessionState.AUTHENTICATION_FAILED, SessionState.UNTRUSTED})


class ConnectionBanner(Banner):
    """Follows the session of a server; its second line counts down to the next try."""

    def __init__(self, context: ServerContext) -> None:
        super().__init__(closable=False)
        self._context = context
        self._timer = QTimer(self)
        self._timer.setInterval(1_000)
        self._timer.timeout.connect(self._tick)

    def show_status(self, status: SessionStatus) -> None:
        """Say what is wrong; hide when nothing is."""
        title = TITLES.get(status.state)
        if title is None or self._context.has("catch"):  # its pages say it in their own words
            self._timer.stop()
            self.hide()
            return
        context, editing = self._context, status.state in _TO_EDIT
        words = self._words(status)
        self.show_message(
            "warn" if status.state is SessionState.STALE else "err",
            self._words_of_title(title),
            words,
            button=self.tr("Edit server…") if editing else self.tr("Try now"),
            action=context.edit_wanted.emit if editing else context.retry_wanted.emit,
            details=f"{status.error}\n{status.error.detail}" if status.error else words,
        )
        self._timer.start()

    def _words_of_title(self, title: str) -> str:
        if self._context.has("whole-log"):
            return self.tr("The log files cannot be read")
        return self.tr(title)

    def _tick(self) -> None:
        self.set_text(self._words(self._context.status))

    def _words(self, status: SessionStatus) -> str:
        lines = [str(status.error)] if status.error is not None else []
        if isinstance(status.error, UntrustedError) and status.error.fingerprint:
            lines.append(question(status.error)["fingerprint"])
        timing = ", ".join(filter(None, (self._how_old(), self._next_try(status))))
        if timing:
            lines.append(f"{timing[0].upper()}{timing[1:]}.")
        return "\n".join(lines)

    def _how_old(self) -> str:
        watch = self._context.watch
        if watch is None or watch.status.updated_at is None:
            return ""
        return self.tr("updated {0} ago").format(age(datetime.now(UTC) - watch.status.updated_at))

    def _next_try(self, status: SessionStatus) -> str:
        if status.next_try is not None:
            left = max(0, round((status.next_try - datetime.now(UTC)).total_seconds()))
            return self.tr("retrying in {0} s").format(left)
        return self.tr("trying again now") if status.step else ""
