"""Client TLS: whom to trust, and what was shown. Verification is never silently off."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime

from smtpadmin.model.errors import StorageError, UntrustedError


def client_context(*, ca_file: str = "", fingerprint: str = "") -> ssl.SSLContext:
    """A context that verifies; with ``fingerprint`` (SHA-256, hex) the certificate itself is
    compared afterwards (:func:`check_pin`) instead of its chain. Raises StorageError."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise StorageError(
            f"the CA file cannot be read ({error})", where=ca_file, remedy="Check the path."
        ) from error
    if fingerprint:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint_of(certificate: bytes) -> str:
    """SHA-256 of a DER certificate, hex."""
    return hashlib.sha256(certificate).hexdigest()


def check_pin(certificate: bytes | None, fingerprint: str, where: str) -> None:
    """Raise UntrustedError when the server shows another certificate than the accepted one."""
    found = fingerprint_of(certificate) if certificate else ""
    if found != fingerprint.replace(":", "").lower():
        raise UntrustedError(
            "the certificate has changed",
            where=where,
            remedy="Ask the server's administrator; do not go on before you know why.",
            fingerprint=found,
            changed=True,
        )


def names_of(der: bytes) -> tuple[str, str, str]:
    """Subject, issuer and expiry of a DER certificate; empty for none, or one that is broken."""
    if not der:
        return "", "", ""
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        return "(unreadable certificate)", "", ""
    until = certificate.not_valid_after_utc.astimezone(UTC)
    return (
        certificate.subject.rfc4514_string()[:300],
        certificate.issuer.rfc4514_string()[:300],
        f"{until:%Y-%m-%d}",
    )


def days_left(not_after: str) -> int | None:
    """Days until a date ``YYYY-MM-DD``; negative when it is past."""
    if not not_after:
        return None
    return (datetime.fromisoformat(not_after).replace(tzinfo=UTC) - datetime.now(UTC)).days
