"""A certificate authority of our own for the servers that we run, made on first start, and their
certificate.

Everything lies in one folder: ``ca.pem`` (give it to clients), ``ca.key``, ``server.pem``,
``server.key``, and ``made-for`` (the name and the last day, so that a start need not read
certificates). Keys are readable by their owner alone.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from smtpadmin.model.catch import BadCertificate
from smtpadmin.model.errors import StorageError

SERVER_DAYS = 397
RENEW_DAYS = 30
MADE_FOR = "made-for"


def server_context(folder: Path, hostname: str) -> ssl.SSLContext:
    """A TLS context for a server, TLS 1.2 and newer; makes or renews what is missing. Raises
    StorageError for files that cannot be read or written."""
    try:
        ensure_certificate(folder, hostname)
        return _context(folder / "server.pem", folder / "server.key")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise _unusable(folder, error) from error


def bad_context(folder: Path, kind: BadCertificate, hostname: str) -> ssl.SSLContext:
    """The same with a certificate that no client should accept, made anew. Raises StorageError."""
    from smtpadmin.settings.certificates import make_bad_certificate

    try:
        make_bad_certificate(folder, kind, hostname, datetime.now(UTC))
        return _context(folder / f"{kind}.pem", folder / f"{kind}.key")
    except (OSError, ValueError) as error:
        raise _unusable(folder, error) from error


def _context(chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain, key)
    return context


def _unusable(folder: Path, error: Exception) -> StorageError:
    return StorageError(
        "the certificate cannot be made or read",
        where=str(folder),
        remedy="Make the folder writable, or move it away to get new certificates.",
        detail=str(error),
    )


def ca_path(folder: Path) -> Path:
    """The certificate authority's certificate, for clients."""
    return folder / "ca.pem"


def ensure_certificate(folder: Path, hostname: str, now: datetime | None = None) -> None:
    """Make the authority and the certificate unless they exist, fit the name and last."""
    now = now or datetime.now(UTC)
    if not _still_good(folder, hostname, now):
        from smtpadmin.settings.certificates import make_certificate

        make_certificate(folder, hostname, now)


def _still_good(folder: Path, hostname: str, now: datetime) -> bool:
    files = [folder / name for name in ("ca.pem", "server.pem", "server.key", MADE_FOR)]
    if not all(file.exists() for file in files):
        return False
    name, _, last_day = (folder / MADE_FOR).read_text("utf-8").strip().partition("\n")
    try:
        ends = datetime.fromisoformat(last_day)
    except ValueError:
        return False
    return name == hostname and now < ends - timedelta(days=RENEW_DAYS)
