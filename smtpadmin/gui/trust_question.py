"""The plain question whether a fingerprint is the server's, in the banner of a dialog."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication

from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.model.errors import UntrustedError


def show_question(banner: Banner, error: UntrustedError, on_yes: Callable[[], None]) -> None:
    """Ask; a host key that has changed is not asked about, but stops."""
    by_ssh = error.place.startswith("ssh:")
    shown = f"SHA-256 {error.fingerprint}\n{error.detail}".strip()
    if error.changed and by_ssh:
        banner.show_message("err", error.what, f"{error.remedy}\n{shown}", details=str(error))
        return
    if error.changed:
        words = _tr("The certificate has CHANGED. Ask the administrator first.")
    else:
        words = _tr("Is this the server's host key?") if by_ssh else _tr("Is this its certificate?")
    banner.show_message(
        "err" if error.changed else "warn",
        error.what,
        f"{words} {error.remedy}\n{shown}",
        button=_tr("Yes, trust it"),
        action=on_yes,
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("TrustQuestion", text)
