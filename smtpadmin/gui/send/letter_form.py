"""What is sent: envelope, subject, text, HTML, headers, files; or a message from a file as it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QTabWidget, QVBoxLayout, QWidget

from smtpadmin.gui.send.file_list import FileList, FileRole
from smtpadmin.gui.send.form_rows import add_row, editor, new_form
from smtpadmin.gui.widgets.elided_label import ElidedLabel
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import FileRef, Letter
from smtpadmin.services.letter_presets import extras, without_extras

_SEPARATORS = re.compile(r"[,;\n]+")


class LetterForm(QWidget):
    """``letter`` gives what was typed, ``fill`` shows a letter. ``file_wanted`` asks the dialog for
    files of a role."""

    file_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._base = Letter()
        self.from_, self.to, self.subject = QLineEdit(), QLineEdit(), QLineEdit()
        self.text, self.html = editor(), editor("<p>…</p>")
        self.headers = editor("X-Campaign: spring")
        self.files = FileList()
        self.files.add_wanted.connect(self.file_wanted.emit)
        self.files.changed.connect(self._show_extras)
        self.tabs = QTabWidget()
        self._extras = ElidedLabel()
        self._extras.setObjectName("muted")
        self.clear = QPushButton(self.tr("Take out"))
        self.clear.setObjectName("link")
        self.clear.clicked.connect(self._on_clear)
        self._lay_out()
        self.fill(Letter())
        self.from_.clear()

    def _lay_out(self) -> None:
        form = new_form()
        add_row(form, self.tr("&From:"), self.from_, self.tr("Envelope sender"),
                self.tr("Envelope sender; <> is the null sender"))  # fmt: skip
        add_row(form, self.tr("&To:"), self.to, self.tr("Recipients, separated by commas"))
        add_row(form, self.tr("Su&bject:"), self.subject, self.tr("Subject"),
                self.tr("Tokens as in %FROM_ADDRESS%, %DATE%, %N% are filled in everywhere"))  # fmt: skip
        self.tabs.setAccessibleName(self.tr("Message"))
        self.tabs.tabBar().setObjectName("tight")
        self.tabs.tabBar().setAccessibleName(self.tr("Parts of the message"))
        for title, widget in (
            (self.tr("Text"), self.text),
            (self.tr("HTML"), self.html),
            (self.tr("Headers"), self.headers),
            (self.tr("Files"), self.files),
        ):
            widget.setAccessibleName(title)
            self.tabs.addTab(widget, title)
        self.tabs.setMinimumHeight(8 * self.fontMetrics().height())
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._extras, 1)
        row.addWidget(self.clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(form)
        column.addWidget(self.tabs, 1)
        column.addLayout(row)

    # In and out.

    def fill(self, letter: Letter) -> None:
        """Show it. What has no field of its own is kept and told below."""
        self._base = letter
        self.from_.setText(letter.sender or "<>")
        self.to.setText(", ".join(letter.to))
        self.subject.setText(letter.subject)
        self.text.setPlainText(letter.text)
        self.html.setPlainText(letter.html)
        self.headers.setPlainText("\n".join(f"{name}: {value}" for name, value in letter.headers))
        self.files.fill(
            [*((FileRole.ATTACHMENT, one) for one in letter.attachments),
             *((FileRole.PICTURE, one) for one in letter.pictures),
             *([(FileRole.RAW, FileRef(letter.raw_file))] if letter.raw_file else [])]
        )  # fmt: skip
        self._show_extras()

    def letter(self) -> Letter:
        """What was typed; a sender that was forgotten is the null sender here. Raises UsageError."""
        sender = self.from_.text().strip()
        raw = self.files.of(FileRole.RAW)
        return replace(
            self._base,
            sender="" if sender == "<>" else sender,
            to=self.recipients(),
            subject=self.subject.text(),
            text=self.text.toPlainText(),
            html=self.html.toPlainText(),
            headers=self._typed_headers(),
            attachments=self.files.of(FileRole.ATTACHMENT),
            pictures=self.files.of(FileRole.PICTURE),
            raw_file=raw[0].path if raw else "",
        )

    def recipients(self) -> tuple[str, ...]:
        """The addresses of To; each once."""
        found = (one.strip() for one in _SEPARATORS.split(self.to.text()))
        return tuple(dict.fromkeys(one for one in found if one))

    def demand_envelope(self) -> None:
        """Raise UsageError for a sender or recipients that were forgotten."""
        if not self.from_.text().strip():
            raise UsageError("name the sender", where="From", remedy="<> is the null sender.")
        if not self.recipients():
            raise UsageError("name a recipient", where="To")

    def add_files(self, role: FileRole, paths: list[Path]) -> None:
        """Add files; a message as it is replaces the one before."""
        self.files.add(role, [FileRef(str(path)) for path in paths])
        self.tabs.setCurrentWidget(self.files)

    def _typed_headers(self) -> tuple[tuple[str, str], ...]:
        headers = []
        for line in self.headers.toPlainText().splitlines():
            name, colon, value = line.partition(":")
            if line.strip() and not colon:
                raise UsageError(
                    f"{line!r} is not a header", where="Headers", remedy="Use Name: value."
                )
            if line.strip():
                headers.append((name.strip(), value.strip()))
        return tuple(headers)

    # What is told below.

    def _show_extras(self) -> None:
        found = extras(self._base)
        words = [self.tr("With {0}").format(", ".join(found))] if found else []
        if self.files.of(FileRole.RAW):
            words = [self.tr("The file is sent as it is; text, HTML and headers are not used")]
        self._extras.setText("; ".join(words))
        self._extras.setVisible(bool(words))
        self.clear.setVisible(bool(found))
        count = self.files.count
        title = self.tr("Files ({0})").format(count) if count else self.tr("Files")
        self.tabs.setTabText(self.tabs.indexOf(self.files), title)

    def _on_clear(self) -> None:
        self._base = without_extras(self._base)
        self._show_extras()
