"""From what was typed for ``smtpadmin send`` to a recipe. Raises UsageError."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from smtpadmin.cli.output import note
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import DkimKey, FileRef, Letter, Recipe
from smtpadmin.model.smtp_plan import (
    Dialect,
    SendPlan,
    Stop,
    StopHow,
    StopPoint,
    TlsUse,
    Verify,
)

PORTS = {TlsUse.NONE: 25, TlsUse.OPTIONAL: 25, TlsUse.STARTTLS: 587, TlsUse.IMPLICIT: 465}
LMTP_PORT = 24
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
Options = Mapping[str, Any]
T = TypeVar("T")


def base_recipe(options: Options) -> Recipe:
    """What a recipe file or a swaks command says, or nothing yet."""
    if options["recipe"] and options["swaks"]:
        raise UsageError("--recipe and --swaks cannot both be given")
    if options["recipe"]:
        from smtpadmin.services.recipes import find_recipe, load_recipe

        path = find_recipe(options["recipe"])
        return load_recipe(path, allow_files=options["allow_files"])
    if options["swaks"]:
        from smtpadmin.formats.swaks_parse import parse_swaks

        recipe, notes = parse_swaks(options["swaks"])
        for words in notes:
            note(words)
        return recipe
    plan = SendPlan()
    return Recipe(Letter(), replace(plan, tls=replace(plan.tls, use=TlsUse.STARTTLS)))


def with_options(recipe: Recipe, options: Options) -> Recipe:
    """The recipe with what was typed."""
    return Recipe(_letter(recipe.letter, options), _plan(recipe.plan, options))


def with_port(recipe: Recipe) -> Recipe:
    """The usual port where none was named."""
    plan = recipe.plan
    if plan.target.port or plan.target.socket_path:
        return recipe
    port = LMTP_PORT if plan.dialect is Dialect.LMTP else PORTS[plan.tls.use]
    port = 25 if plan.target.mx_of else port
    return replace(recipe, plan=replace(plan, target=replace(plan.target, port=port)))


def _given(values: T, options: Options, names: Mapping[str, str]) -> T:
    """The values with those that were typed; ``names`` are fields by option."""
    changes = {
        field: options[option]
        for option, field in names.items()
        if options[option] not in (None, (), "", False)
    }
    return replace(values, **changes) if changes else values  # type: ignore[type-var]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _plan(plan: SendPlan, options: Options) -> SendPlan:
    target = _given(
        plan.target, options, _same("host", "port", "mx_of", "socket_path", "source", "source_port", "proxy_url")
    )  # fmt: skip
    if options["host"]:
        target = replace(target, host=_host(options["host"]))
    if options["ipv4"] and options["ipv6"]:
        raise UsageError("-4 and -6 cannot both be given")
    if options["ipv4"] or options["ipv6"]:
        target = replace(target, family=4 if options["ipv4"] else 6)
    transfer = _given(plan.transfer, options, _same("pipelining", "chunk"))
    transfer = _given(transfer, options, {"raw_data": "raw", "end_of_data": "end"})
    return replace(
        plan,
        target=target,
        dialect=Dialect(options["dialect"]) if options["dialect"] else plan.dialect,
        helo=options["helo"] or plan.helo,
        tls=_tls(plan, options),
        login=_login(plan, options),
        envelope=_envelope(plan, options),
        transfer=transfer,
        proxy=_proxy(plan, options),
        xclient=_xclient(plan, options),
        stop=_stop(options) or plan.stop,
    )


def _tls(plan: SendPlan, options: Options) -> Any:
    tls = _given(
        plan.tls,
        options,
        _same("check_name", "sni", "ca_file", "cert_file", "key_file", "minimum", "maximum", "ciphers", "dane", "mta_sts")
        | {"starttls_unadvertised": "unadvertised"},
    )  # fmt: skip
    if options["tls"]:
        tls = replace(tls, use=TlsUse(options["tls"]))
    if options["verify"]:
        tls = replace(tls, verify=Verify(options["verify"]))
    if options["fingerprint"]:
        tls = replace(tls, fingerprint=_fingerprint(options["fingerprint"]))
    return tls


def _login(plan: SendPlan, options: Options) -> Any:
    login = _given(
        plan.login, options, _same("user", "authorize_as") | {"auth_optional": "optional"}
    )
    if options["mechanisms"]:
        login = replace(login, mechanisms=tuple(name.upper() for name in options["mechanisms"]))
    return login


def _envelope(plan: SendPlan, options: Options) -> Any:
    names = _same("notify", "ret", "envid", "orcpt", "utf8", "require_tls", "prdr", "mail_extra", "rcpt_extra")  # fmt: skip
    envelope = _given(plan.envelope, options, names | {"body_type": "body"})
    if options["declared"] is not None:
        envelope = replace(envelope, size=options["declared"])
    return envelope


def _proxy(plan: SendPlan, options: Options) -> Any:
    names = {
        "proxy_version": "version",
        "proxy_family": "family",
        "proxy_transport": "transport",
        "proxy_command": "command",
        "proxy_source": "source",
        "proxy_source_port": "source_port",
        "proxy_dest": "destination",
        "proxy_dest_port": "destination_port",
        "proxy_raw": "raw",
    }
    proxy = _given(plan.proxy, options, names)
    if proxy != plan.proxy and proxy.version == 0:
        raise UsageError("--proxy-version says which PROXY header to send", remedy="1 or 2.")
    return proxy


def _xclient(plan: SendPlan, options: Options) -> Any:
    names = {
        "xclient": "commands",
        "xclient_before_tls": "before_tls",
        "xclient_unadvertised": "unadvertised",
        "xclient_optional": "optional",
    }
    return _given(plan.xclient, options, names)


def _stop(options: Options) -> Stop | None:
    names = {
        "quit_after": StopHow.QUIT,
        "drop_after": StopHow.DROP,
        "drop_after_send": StopHow.DROP_AFTER_SEND,
    }
    found = [Stop(StopPoint(options[name]), how) for name, how in names.items() if options[name]]
    if len(found) > 1:
        raise UsageError("the session can end only once", remedy="Give one of the stop points.")
    return found[0] if found else None


def _host(text: str) -> str:
    host = text.strip().strip("[]")
    if not host or not host.isprintable():
        raise UsageError(f"{text!r} is not a host", where="--host")
    return host


def _fingerprint(text: str) -> str:
    bare = text.replace(":", "").replace(" ", "").lower()
    if not _FINGERPRINT.fullmatch(bare):
        raise UsageError(
            f"{text!r} is not a SHA-256 fingerprint",
            where="--fingerprint",
            remedy="It has 64 hexadecimal digits.",
        )
    return bare


# The message.


def _letter(letter: Letter, options: Options) -> Letter:
    stdin = [
        n for n in ("body_file", "html_file", "raw_file", "to_file") if options[n] == Path("-")
    ]
    if len(stdin) > 1:
        raise UsageError("only one of these can come from standard input", where=", ".join(stdin))
    names = _same("to", "cc", "bcc", "subject", "raw_tokens", "payload", "size", "line_length", "eight_bit")  # fmt: skip
    letter = _given(letter, options, names | {"body": "text"})
    if options["sender"] is not None:
        letter = replace(letter, sender="" if options["sender"] == "<>" else options["sender"])
    if options["to_file"]:
        lines = (line.strip() for line in _text(options["to_file"]).splitlines())
        more = tuple(line for line in lines if line and not line.startswith("#"))
        letter = replace(letter, to=(*letter.to, *more))
    letter = _content(letter, options)
    if options["presets"]:
        from smtpadmin.services.compose import with_presets

        letter = with_presets(letter, options["presets"])
    return letter


def _content(letter: Letter, options: Options) -> Letter:
    if options["body_file"]:
        letter = replace(letter, text=_text(options["body_file"]))
    if options["html_file"]:
        letter = replace(letter, html=_text(options["html_file"]))
    if options["raw_file"]:
        letter = replace(letter, raw_file=str(options["raw_file"]))
    if options["dkim"]:
        letter = replace(letter, dkim=DkimKey(*options["dkim"]))
    files = [FileRef(str(path)) for path in options["attachments"]]
    files += [FileRef(path, kind) for kind, path in options["attach_as"]]
    pictures = tuple(FileRef(str(path)) for path in options["pictures"])
    return replace(
        letter,
        attachments=(*letter.attachments, *files),
        pictures=(*letter.pictures, *pictures),
        headers=(*letter.headers, *(_header(text, "--header") for text in options["headers"])),
        replaced=(*letter.replaced, *(_header(t, "--replace-header") for t in options["replaced"])),
    )


def _header(text: str, where: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"{text!r} is not a header", where=where, remedy="Use 'Name: value'.")
    return name.strip(), value.strip()


def _text(path: Path) -> str:
    try:
        octets = sys.stdin.buffer.read() if path == Path("-") else path.read_bytes()
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("this text is not UTF-8", where=str(path)) from error
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(path)) from error
