"""The built-in server's own certificate authority, made on first start, and its certificate.

Everything lies in one folder: ``ca.pem`` (give it to clients), ``ca.key``, ``server.pem``,
``server.key``; keys are readable by their owner alone.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

SERVER_DAYS = 397
RENEW_DAYS = 30


def server_context(folder: Path, hostname: str) -> ssl.SSLContext:
    """A TLS context for the server; makes or renews what is missing. TLS 1.2 and newer."""
    ensure_certificate(folder, hostname)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


def ca_path(folder: Path) -> Path:
    """The certificate authority's certificate, for clients."""
    return folder / "ca.pem"


def ensure_certificate(folder: Path, hostname: str) -> None:
    """Make the authority and the certificate unless they exist, fit the name and last."""
    if _still_good(folder, hostname):
        return
    from smtpadmin.builtin.certificates import make_certificate

    make_certificate(folder, hostname)


def _still_good(folder: Path, hostname: str) -> bool:
    files = [folder / name for name in ("ca.pem", "server.pem", "server.key", "hostname")]
    if not all(file.exists() for file in files):
        return False
    if (folder / "hostname").read_text("utf-8") != hostname:
        return False
    age = datetime.now(UTC).timestamp() - (folder / "server.pem").stat().st_mtime
    return age < (SERVER_DAYS - RENEW_DAYS) * 86400
