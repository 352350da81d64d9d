"""Whose fault it was: what aiosmtplib, ssl and the system raise, as errors that people may see."""

from __future__ import annotations

import ssl

import aiosmtplib

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.smtp import Reply, Stage
from smtpadmin.util.text import visible

MOST_SHOWN = 300
"""Characters of a server's words that an error repeats."""
_STAGE_WORDS = {
    Stage.RESOLVE: "while the name was resolved",
    Stage.CONNECT: "while connecting",
    Stage.BANNER: "before its greeting",
    Stage.EHLO: "after EHLO",
    Stage.STARTTLS: "after STARTTLS",
    Stage.TLS: "in the TLS handshake",
    Stage.AUTH: "during the login",
    Stage.MAIL: "after MAIL FROM",
    Stage.RCPT: "after RCPT TO",
    Stage.DATA: "after DATA",
    Stage.DOT: "after the message",
    Stage.QUIT: "after QUIT",
}


def translate(error: BaseException, stage: Stage, where: str, *, halfway: bool) -> SmtpadminError:
    """``halfway``: the server had begun a line and not ended it."""
    cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    if isinstance(cause, ssl.SSLError):
        return _tls_failure(cause, where)
    if isinstance(error, ProtocolError):
        return ProtocolError(f"{error.what} ({_STAGE_WORDS[stage]})", where=where)
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | ConnectionError):
        middle = "in the middle of a line, " if halfway else ""
        return UnreachableError(
            f"the server closed the connection {middle}{_STAGE_WORDS[stage]}",
            where=where,
            remedy="Look at the last lines of the transcript.",
        )
    if isinstance(error, ValueError):
        return UsageError(str(error), where=where)
    return UnreachableError(f"the session broke {_STAGE_WORDS[stage]} ({error})", where=where)


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


def too_slow(stage: Stage, seconds: float, where: str) -> TotalDeadlineError:
    """A deadline has passed."""
    remedy = "Check the server's load and its answer in the transcript."
    if stage is Stage.BANNER:
        remedy = "A port that speaks TLS from the start says nothing: try implicit TLS."
    return TotalDeadlineError(
        f"no answer within {seconds:g} s {_STAGE_WORDS[stage]}", where=where, remedy=remedy
    )


def refusal(reply: Reply, stage: Stage, where: str) -> SmtpadminError:
    """A reply that ends the session: a refusal, or a success code that makes no sense here."""
    if reply.code < 400:
        return ProtocolError(f"an answer out of place: {_words(reply)} ({stage})", where=where)
    if stage is Stage.AUTH:
        remedy = "Check user and password; some providers want an app password or an API key."
        return LoginError(
            f"the server refused the login: {_words(reply)}",
            where=where,
            remedy=remedy if reply.code >= 500 else "The server says it is temporary: try later.",
        )
    return ServerRefusedError(f"the server refused at {stage}: {_words(reply)}", where=where)


def _words(reply: Reply) -> str:
    return f"{reply.code} {visible(reply.text.replace(chr(10), ' '), MOST_SHOWN)}"
