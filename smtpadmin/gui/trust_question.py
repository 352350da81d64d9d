"""The plain question whether a fingerprint is the server's, in the banner of a dialog."""

from __future__ import annotations

import re
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication

from smtpadmin.gui.widgets.banner import Banner
from smtpadmin.model.errors import UntrustedError
from smtpadmin.services.trust import may_accept, question

_HEX, _GROUP = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{16}")


def show_question(banner: Banner, error: UntrustedError, on_yes: Callable[[], None]) -> None:
    """Ask; a host key that has changed is not asked about, but stops."""
    words = question(error)
    shown = f"{_in_groups(words['fingerprint'])}\n{error.detail}".strip()
    if not may_accept(error):
        banner.show_message("err", error.what, f"{error.remedy}\n{shown}", details=str(error))
        return
    asked = _tr("The {0} has CHANGED. Ask the administrator first.")
    if not error.changed:
        asked = _tr("Is this the server's {0}?")
    banner.show_message(
        "err" if error.changed else "warn",
        error.what,
        f"{asked.format(words['thing'])} {error.remedy}\n{shown}",
        button=_tr("Yes, trust it"),
        action=on_yes,
    )


def _in_groups(fingerprint: str) -> str:
    """64 hexadecimal digits in groups of 16, so that they fit where there is little room."""
    return _HEX.sub(lambda found: " ".join(_GROUP.findall(found[0])), fingerprint)


def _tr(text: str) -> str:
    return QCoreApplication.translate("TrustQuestion", text)
