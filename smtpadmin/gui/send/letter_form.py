"""What is sent: envelope, subject, text, HTML, headers, files; or a message from a file as it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from smtpadmin.gui.send.file_list import FileList, FileRole
from smtpadmin.gui.send.form_rows import add_row, editor, name_it, new_form
from smtpadmin.gui.widgets.elided_label import ElidedLabel
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import FileRef, Letter
from smtpadmin.services.compose import MOST_SIZE
from smtpadmin.services.letter_presets import extras, without_extras

_KIB = 1024
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
        self.cc, self.bcc = QLineEdit(), QLineEdit()
        self.files = FileList()
        self.files.add_wanted.connect(self.file_wanted.emit)
        self.files.changed.connect(self._show_extras)
        self.least_size = QSpinBox()
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
            (self.tr("Headers"), self._header_page()),
            (self.tr("Files"), self.files),
        ):
            widget.setAccessibleName(title)
            self.tabs.addTab(widget, title)
        self._lay_out_size()
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

    def _header_page(self) -> QWidget:
        page, form = QWidget(), new_form()
        add_row(form, self.tr("Cc:"), self.cc, self.tr("Copies, named in the message"), wide=4)
        add_row(form, self.tr("Bcc:"), self.bcc,
                self.tr("Copies that the message does not name"), wide=4)  # fmt: skip
        for field in (self.cc, self.bcc):
            field.textChanged.connect(self._on_copies)
        self.headers.setAccessibleName(self.tr("Headers"))
        column = QVBoxLayout(page)
        column.setContentsMargins(8, 8, 8, 8)
        column.addLayout(form)
        column.addWidget(self.headers, 1)
        return page

    def _on_copies(self) -> None:
        self._base = replace(self._base, cc=_addresses(self.cc), bcc=_addresses(self.bcc))
        self._show_extras()

    def _lay_out_size(self) -> None:
        self.least_size.setRange(0, MOST_SIZE // _KIB)
        self.least_size.setSingleStep(1024)
        self.least_size.setMinimumWidth(18 * self.fontMetrics().averageCharWidth())
        self.least_size.setSuffix(" KiB")
        self.least_size.setSpecialValueText(self.tr("as it is"))
        name_it(self.least_size, self.tr("Size of the message, at least"))
        self.least_size.valueChanged.connect(self._on_size)
        self.files.add_row(self.tr("Si&ze at least:"), self.least_size)

    def _on_size(self, kib: int) -> None:
        if kib != self._base.size // _KIB:
            self._base = replace(self._base, size=kib * _KIB)
            self._show_extras()

    # In and out.

    def fill(self, letter: Letter) -> None:
        """Show it. What has no field of its own is kept and told below."""
        self._base = letter
        self.from_.setText(letter.sender or "<>")
        self.to.setText(", ".join(letter.to))
        self.cc.setText(", ".join(letter.cc))
        self.bcc.setText(", ".join(letter.bcc))
        self.subject.setText(letter.subject)
        self.text.setPlainText(letter.text)
        self.html.setPlainText(letter.html)
        self.headers.setPlainText("\n".join(f"{name}: {value}" for name, value in letter.headers))
        self.least_size.setValue(letter.size // _KIB)
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
        return _addresses(self.to)

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
        self.least_size.setValue(0)
        self.cc.clear()
        self.bcc.clear()
        self._show_extras()


def _addresses(field: QLineEdit) -> tuple[str, ...]:
    found = (one.strip() for one in _SEPARATORS.split(field.text()))
    return tuple(dict.fromkeys(one for one in found if one))
