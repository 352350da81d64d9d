"""Whose fault it was: what aiosmtplib, ssl and the system raise, as errors that people may see."""

from __future__ import annotations

import ssl

import aiosmtplib

from smtpadmin.model.errors import (
    ProtocolError,
    SmtpadminError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.smtp import Stage
from smtpadmin.protocol.smtp_failures import STAGE_WORDS, closed, malformed


def translate(error: BaseException, stage: Stage, where: str, *, halfway: bool) -> SmtpadminError:
    """``halfway``: the server had begun a line and not ended it."""
    cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    if isinstance(cause, ssl.SSLError):
        return _tls_failure(cause, where)
    if isinstance(error, ProtocolError):
        return malformed(error, stage, where)
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | ConnectionError):
        return closed(stage, where, halfway=halfway)
    if isinstance(error, ValueError):
        return UsageError(str(error), where=where)
    return UnreachableError(f"the session broke {STAGE_WORDS[stage]} ({error})", where=where)


def _tls_failure(error: ssl.SSLError, where: str) -> SmtpadminError:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = str(getattr(error, "verify_message", error))
        return UntrustedError(
            f"the certificate is not trusted ({why.rstrip('.')})",
            where=where,
            remedy="Compare its fingerprint with the server's administrator, or give the CA file.",
        )
    return UnreachableError(
        f"the TLS handshake failed ({getattr(error, 'reason', None) or error})",
        where=where,
        remedy="Check that this port speaks TLS in the chosen mode.",
    )
