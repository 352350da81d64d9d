"""Writes a recipe as a swaks command line, for a bug report or a colleague without smtpadmin.

What swaks cannot say is left out and told. No password is ever written: swaks asks for it
(``--protect-prompt``).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields

from smtpadmin.formats import swaks_words as words
from smtpadmin.model.recipe import Letter, Recipe
from smtpadmin.model.smtp_plan import (
    Dialect,
    EnvelopePlan,
    SendPlan,
    StopHow,
    StopPoint,
    Target,
    TlsPlan,
    TlsUse,
    TransferPlan,
    Verify,
)

_STOPS = {
    StopHow.QUIT: "--quit-after",
    StopHow.DROP: "--drop-after",
    StopHow.DROP_AFTER_SEND: "--drop-after-send",
}
_UNSAID: tuple[tuple[str, type, tuple[str, ...]], ...] = (
    ("target", Target, ("proxy_url",)),
    ("tls", TlsPlan, ("check_name", "fingerprint", "unadvertised", "dane", "mta_sts")),
    (
        "envelope",
        EnvelopePlan,
        ("ret", "envid", "notify", "orcpt", "body", "size", "utf8", "require_tls", "mail_extra", "rcpt_extra"),
    ),
    ("transfer", TransferPlan, ("chunk", "end")),
)  # fmt: skip
_UNSAID_LETTER = ("pictures", "payload", "size", "line_length", "eight_bit", "dkim")


def swaks_command(recipe: Recipe) -> tuple[str, list[str]]:
    """The command line, quoted for a POSIX shell, and what it cannot say."""
    plan = recipe.plan
    arguments = [
        "swaks",
        *_target(plan),
        *_envelope(recipe.letter),
        *_session(plan),
        *_tls(plan.tls),
        *_login(plan),
        *_proxy(plan),
        *_xclient(plan),
        *_message(recipe.letter),
    ]
    return shlex.join(arguments), list(_notes(recipe))


def _target(plan: SendPlan) -> Iterator[str]:
    target = plan.target
    yield from ("--server", target.host) if target.host else ()
    yield from ("--port", str(target.port)) if target.port else ()
    yield from ("--copy-routing", target.mx_of) if target.mx_of else ()
    yield from ("--socket", target.socket_path) if target.socket_path else ()
    yield from (f"-{target.family}",) if target.family else ()
    yield from ("--local-interface", target.source) if target.source else ()
    yield from ("--local-port", str(target.source_port)) if target.source_port else ()


def _envelope(letter: Letter) -> Iterator[str]:
    yield from ("--from", letter.sender or "<>")
    for option, addresses in (("--to", letter.to), ("--cc", letter.cc), ("--bcc", letter.bcc)):
        if addresses:
            yield from (option, ",".join(addresses))


def _session(plan: SendPlan) -> Iterator[str]:
    yield from ("--helo", plan.helo) if plan.helo else ()
    if plan.dialect in words.DIALECTS:
        yield from ("--protocol", words.DIALECTS[plan.dialect])
    yield from (words.FLAGS["pipelining"],) if plan.transfer.pipelining else ()
    yield from (words.FLAGS["prdr"],) if plan.envelope.prdr else ()
    yield from (words.FLAGS["raw"],) if plan.transfer.raw else ()
    if plan.stop is not None:
        after_xclient = plan.xclient.commands and plan.stop.at is StopPoint.EHLO
        word = "XCLIENT-HELO" if after_xclient else words.STOPS[plan.stop.at]
        yield from (_STOPS[plan.stop.how], word)


def _tls(tls: TlsPlan) -> Iterator[str]:
    if tls.use is TlsUse.NONE:
        return
    yield words.TLS[tls.use]
    yield from {
        Verify.FULL: ("--tls-verify",),
        Verify.CA: ("--tls-verify-ca",),
        Verify.NAME: ("--tls-verify-host",),
        Verify.NONE: (),
    }[tls.verify]
    for field, option in words.TLS_VALUES.items():
        value = getattr(tls, field)
        yield from (option, value) if value else ()
    if tls.minimum or tls.maximum:
        yield from ("--tls-protocol", ",".join(_versions(tls)))


def _versions(tls: TlsPlan) -> list[str]:
    names = sorted(words.VERSIONS)
    low, high = tls.minimum or names[0], tls.maximum or names[-1]
    return [words.VERSIONS[name] for name in names if low <= name <= high]


def _login(plan: SendPlan) -> Iterator[str]:
    login = plan.login
    if not login.user and not login.mechanisms:
        return
    option = "--auth-optional-strict" if login.optional else "--auth"
    known = [name for name in login.mechanisms if name in words.MECHANISMS]
    yield from (option, ",".join(known) or "ANY")
    yield from ("--auth-user", login.user) if login.user else ()
    yield from ("--auth-extra", f"authzid={login.authorize_as}") if login.authorize_as else ()
    yield "--protect-prompt"


def _proxy(plan: SendPlan) -> Iterator[str]:
    proxy = plan.proxy
    if not proxy.version:
        return
    yield from ("--proxy-version", str(proxy.version))
    if proxy.raw:
        yield from ("--proxy", proxy.raw)
        return
    for field, option in words.PROXY.items():
        value = str(getattr(proxy, field))
        if proxy.version == 1 and field in ("transport", "command"):
            continue
        if proxy.version == 1 and field == "family":
            value = words.PROXY_1_FAMILIES.get(value, value)
        yield from (option, value)


def _xclient(plan: SendPlan) -> Iterator[str]:
    xclient = plan.xclient
    for number, command in enumerate(xclient.commands):
        yield from ("--xclient-delim",) if number else ()
        yield from ("--xclient", command)
    if xclient.commands:
        yield from (words.FLAGS["before_tls"],) if xclient.before_tls else ()
        yield from (words.FLAGS["unadvertised_xclient"],) if xclient.unadvertised else ()
        yield from (words.FLAGS["optional_xclient"],) if xclient.optional else ()


def _message(letter: Letter) -> Iterator[str]:
    if letter.raw_file:
        yield from ("--data", "-" if letter.raw_file == "-" else f"@{letter.raw_file}")
        return
    yield from ("--h-Subject", letter.subject)
    for name, value in letter.replaced:
        yield from ("--header", f"{name}: {value}")
    for name, value in letter.headers:
        yield from ("--add-header", f"{name}: {value}")
    if letter.html:
        yield from ("--attach-type", "text/plain", "--attach-body", _content(letter.text))
        yield from ("--attach-type", "text/html", "--attach-body", _content(letter.html))
    else:
        yield from ("--body", _content(letter.text))
    for one in letter.attachments:
        yield from ("--attach-type", one.kind) if one.kind else ()
        yield from ("--attach-name", one.name) if one.name else ()
        yield from ("--attach", f"@{one.path}")


def _content(text: str) -> str:
    r"""swaks reads ``\n`` as a line end, and ``@`` at the beginning as the name of a file."""
    escaped = text.replace("\n", "\\n")
    return f"@{escaped}" if escaped.startswith("@") else escaped


def _notes(recipe: Recipe) -> Iterator[str]:
    usual = SendPlan()
    for part, kind, names in _UNSAID:
        theirs, ours = getattr(usual, part), getattr(recipe.plan, part)
        known = {field.name for field in fields(kind)}
        for name in names:
            if name in known and getattr(ours, name) != getattr(theirs, name):
                yield f"swaks cannot say: {part} {name.replace('_', ' ')}"
    for name in _UNSAID_LETTER:
        if getattr(recipe.letter, name) != getattr(Letter(), name):
            yield f"swaks cannot say: {name.replace('_', ' ')} of the message"
    for mechanism in recipe.plan.login.mechanisms:
        if mechanism not in words.MECHANISMS:
            yield f"swaks has no AUTH {mechanism}"
    if recipe.plan.dialect is Dialect.LMTP and recipe.plan.target.port == 24:
        yield "swaks' usual LMTP port is 24, too"
