"""How a session ends badly, in words: a refusal, an answer out of place, silence, a closed connection."""

from __future__ import annotations

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
)
from smtpadmin.model.smtp import Reply, Stage
from smtpadmin.util.text import visible

MOST_SHOWN = 300
"""Characters of a server's words that an error repeats."""
STAGE_WORDS = {
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


def too_slow(stage: Stage, seconds: float, where: str) -> TotalDeadlineError:
    """A deadline has passed."""
    remedy = "Check the server's load and its answer in the transcript."
    if stage is Stage.BANNER:
        remedy = "A port that speaks TLS from the start says nothing: try implicit TLS."
    return TotalDeadlineError(
        f"no answer within {seconds:g} s {STAGE_WORDS[stage]}", where=where, remedy=remedy
    )


def closed(stage: Stage, where: str, *, halfway: bool) -> UnreachableError:
    """The server hung up; ``halfway``: it had begun a line and not ended it."""
    middle = "in the middle of a line, " if halfway else ""
    return UnreachableError(
        f"the server closed the connection {middle}{STAGE_WORDS[stage]}",
        where=where,
        remedy="Look at the last lines of the transcript.",
    )


def malformed(error: ProtocolError, stage: Stage, where: str) -> ProtocolError:
    """What the server said is no SMTP."""
    return ProtocolError(f"{error.what} ({STAGE_WORDS[stage]})", where=where)


def refusal(reply: Reply, stage: Stage, where: str, step: str = "") -> SmtpadminError:
    """A reply that ends the session: a refusal, or a success code that makes no sense here. ``step``
    names what has no stage of its own."""
    if reply.code < 400:
        return ProtocolError(f"an answer out of place: {_words(reply)} ({stage})", where=where)
    if stage is Stage.AUTH:
        remedy = "Check user and password; some providers want an app password or an API key."
        return LoginError(
            f"the server refused the login: {_words(reply)}",
            where=where,
            remedy=remedy if reply.code >= 500 else "The server says it is temporary: try later.",
        )
    return ServerRefusedError(
        f"the server refused at {step or stage}: {_words(reply)}", where=where
    )


def _words(reply: Reply) -> str:
    return f"{reply.code} {visible(reply.text.replace(chr(10), ' '), MOST_SHOWN)}"
