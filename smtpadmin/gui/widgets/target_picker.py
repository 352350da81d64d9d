"""Where mail goes to: a server with a profile, or any HOST:PORT."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget

from smtpadmin.connectors.api import Submission, abilities_of, ability
from smtpadmin.connectors.registry import connectors
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.workspace import CATCH, Workspace
from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile, TlsMode
from smtpadmin.model.smtp import SubmissionEndpoint
from smtpadmin.util.text import visible

PORTS = {TlsMode.NONE: 25, TlsMode.STARTTLS: 587, TlsMode.IMPLICIT: 465}


@dataclass(frozen=True, slots=True)
class Target:
    """``profile`` is None for a host that was typed."""

    endpoint: SubmissionEndpoint
    password: str = ""
    profile: Profile | None = None

    @property
    def where(self) -> str:
        """In words."""
        place = f"{self.endpoint.host}:{self.endpoint.port}"
        return f"{self.profile.name} ({place})" if self.profile is not None else place


def takes_mail(profile: Profile) -> bool:
    """Whether a server of that kind can be handed mail."""
    if profile.kind == CATCH:
        return True
    kind = connectors().get(profile.kind)
    return kind is not None and "submission" in abilities_of(kind)


class TargetPicker(QWidget):
    """Adds its rows to a form. ``changed`` when another one is chosen or typed."""

    changed = Signal()

    def __init__(
        self, workspace: Workspace, form: QFormLayout, *, first: str = "", but: str = ""
    ) -> None:
        """``first`` is the UUID to begin with, ``but`` one that is not offered."""
        super().__init__()
        self.hide()
        self._workspace = workspace
        self.server, self.host, self.tls = QComboBox(), QLineEdit(), QComboBox()
        self.user, self.password = QLineEdit(), QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.host.setPlaceholderText("mx1.example.org:25")
        self.user.setPlaceholderText(self.tr("empty: no login"))
        self.tls.addItems([mode.value for mode in TlsMode])
        for profile in workspace.known:
            if profile.uuid != but and takes_mail(profile):
                self.server.addItem(visible(profile.name, 60), profile)
        self.server.addItem(self.tr("Another: HOST:PORT"), None)
        chosen = [p for n in range(self.server.count())
                  if (p := self.server.itemData(n)) is not None and p.uuid == first]  # fmt: skip
        if chosen:
            self.server.setCurrentIndex(self.server.findText(visible(chosen[0].name, 60)))
        self._own: list[tuple[Label, QWidget]] = []
        self._add_rows(form)
        self.server.currentIndexChanged.connect(self._on_server)
        for edit in (self.host, self.user):
            edit.textChanged.connect(self.changed)
        self.tls.currentIndexChanged.connect(self.changed)
        self._on_server()

    def _add_rows(self, form: QFormLayout) -> None:
        rows = ((self.tr("&Server:"), self.server), (self.tr("&Host:"), self.host),
                (self.tr("T&LS:"), self.tls), (self.tr("&User:"), self.user),
                (self.tr("&Password:"), self.password))  # fmt: skip
        for words, widget in rows:
            label = Label(words)
            label.setBuddy(widget)
            widget.setAccessibleName(words.replace("&", "").rstrip(":"))
            form.addRow(label, widget)
            if widget is not self.server:
                self._own.append((label, widget))

    def _on_server(self) -> None:
        for label, widget in self._own:
            label.setVisible(self.profile is None)
            widget.setVisible(self.profile is None)
        self.changed.emit()

    @property
    def profile(self) -> Profile | None:
        """The chosen profile; None for a typed host."""
        found = self.server.currentData()
        return found if isinstance(found, Profile) else None

    async def target(self) -> Target:
        """The chosen target. Raises UsageError, and what probing the server raises."""
        profile = self.profile
        if profile is None:
            return Target(self._typed(), self.password.text())
        session = await self._workspace.session_for(profile)
        submission = ability(session.connector, Submission)
        if submission is None:
            raise UsageError("this kind of server takes no mail", where=profile.name)
        if not submission.submission_endpoints():
            await session.connector.probe()
        endpoints = submission.submission_endpoints()
        if not endpoints:
            raise UsageError(
                "the profile names no SMTP port", where=profile.name, remedy="Edit it and add one."
            )
        return Target(endpoints[0], submission.submission_password(), profile)

    def _typed(self) -> SubmissionEndpoint:
        tls = TlsMode(self.tls.currentText())
        text = self.host.text().strip()
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or (":" in host and not host.endswith("]")):
            host, port = text, str(PORTS[tls])
        if not host:
            raise UsageError("name a server", remedy="Type HOST or HOST:PORT.")
        if not 1 <= int(port) <= 65_535:
            raise UsageError("a port is from 1 to 65535", where=port[:20])
        return SubmissionEndpoint(host.strip("[]"), int(port), tls, self.user.text().strip())
