"""Who really answered: address, TLS, certificates explained, and how long each stage took."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from smtpadmin.gui.widgets.certificate_tree import CertificateTree
from smtpadmin.gui.widgets.label import Label
from smtpadmin.gui.widgets.waterfall import Waterfall
from smtpadmin.model.smtp import SendResult, TlsFacts
from smtpadmin.util.text import visible


class ServerPane(QWidget):
    """``show_result`` for each session that has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.facts, self.waterfall, self.tree = Label(), Waterfall(), CertificateTree()
        self.facts.setWordWrap(True)
        self._stages, self._certificates = Label(self.tr("Stages")), Label(self.tr("Certificates"))
        for heading in (self._stages, self._certificates):
            heading.setObjectName("section")
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(6)
        for widget in (self.facts, self._stages, self.waterfall, self._certificates):
            column.addWidget(widget)
        column.addWidget(self.tree, 1)
        column.addStretch(0)
        self.clear()

    def clear(self) -> None:
        """Nobody has answered yet."""
        self.facts.setText(self.tr("Nothing was sent yet."))
        self.waterfall.show_stages({})
        self._stages.hide()
        self._show_chain(None)

    def show_result(self, result: SendResult) -> None:
        """Show what is known of a session."""
        self.facts.setText("\n".join(self._facts(result)))
        failed = "" if result.result == "accepted" else result.stage.value
        self.waterfall.show_stages(result.timings_ms, failed)
        self._stages.setVisible(bool(result.timings_ms))
        self._show_chain(result.tls)

    def _show_chain(self, tls: TlsFacts | None) -> None:
        chain = tls.chain if tls is not None else ()
        self.tree.show_chain(chain)
        self.tree.setVisible(bool(chain))
        self._certificates.setVisible(bool(chain))

    def _facts(self, result: SendResult) -> list[str]:
        address = result.address or self.tr("nobody")
        lines = [self.tr("{0} was answered by {1}").format(visible(result.host, 200), address)]
        banner = next((line.line for line in result.transcript if line.direction == "<"), "")
        if banner:
            lines.append(self.tr("It says: {0}").format(visible(banner, 200)))
        lines += self._tls_facts(result.tls)
        return lines

    def _tls_facts(self, tls: TlsFacts | None) -> list[str]:
        if tls is None or not tls.version:
            return [self.tr("Not encrypted")]
        level = f", {tls.level}" if tls.level else ""
        lines = [f"{tls.version}, {tls.cipher}{level}"]
        lines += [f"DANE: {visible(tls.dane, 200)}"] if tls.dane else []
        lines += [f"MTA-STS: {visible(tls.mta_sts, 200)}"] if tls.mta_sts else []
        return lines
