"""The settings that third-party forms ask for (web forms, printers, NAS): host, port, user, TLS."""

from __future__ import annotations

from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SubmissionEndpoint

_TLS = {
    TlsMode.IMPLICIT: ("Require TLS/SSL", "yes (SSL/TLS from the start)"),
    TlsMode.STARTTLS: ("Require TLS/SSL", "yes (STARTTLS)"),
    TlsMode.NONE: ("Require TLS/SSL", "no"),
}


def settings_rows(endpoint: SubmissionEndpoint) -> list[tuple[str, str]]:
    """Name and value of each field of such a form. The password is never part of it."""
    rows = [
        ("SMTP host", endpoint.host),
        ("SMTP port", str(endpoint.port)),
        ("Username", endpoint.user or "(none)"),
        ("Password", "(as in the profile)" if endpoint.user else "(none)"),
        _TLS[endpoint.tls],
    ]
    return [*rows, ("Authentication", ", ".join(endpoint.mechanisms) or "as offered")]


def settings_text(endpoint: SubmissionEndpoint) -> str:
    """The rows as text to copy."""
    return "".join(f"{name}: {value}\n" for name, value in settings_rows(endpoint))
