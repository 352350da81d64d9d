"""Reads a swaks command line as a recipe, so that one from a ticket or a manual can be pasted.

A password on it is dropped and told: a recipe holds none. What we do not have is told, too. Options
may have one dash or two, a value after a space or ``=``, as swaks takes them.
"""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from smtpadmin.formats import swaks_words as words
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import FileRef, Letter, Recipe
from smtpadmin.model.smtp_plan import Dialect, SendPlan, Stop, StopHow, TlsUse, Verify
from smtpadmin.util.text import visible

MOST_CHARACTERS = 64 * 1024
_ALIASES = {
    "s": "server", "p": "port", "li": "local-interface", "lp": "local-port", "lport": "local-port",
    "t": "to", "f": "from", "h": "helo", "ehlo": "helo", "lhlo": "helo", "q": "quit-after",
    "quit": "quit-after", "da": "drop-after", "das": "drop-after-send", "tlso": "tls-optional",
    "tlsos": "tls-optional-strict", "tlsc": "tls-on-connect", "tlsp": "tls-protocol", "a": "auth",
    "ao": "auth-optional", "aos": "auth-optional-strict", "au": "auth-user", "ap": "auth-password",
    "ae": "auth-extra", "am": "auth-map", "apt": "auth-plaintext", "ahp": "auth-hide-password",
    "d": "data", "ah": "add-header", "ndf": "no-data-fixup", "nsf": "no-strip-from",
    "pp": "protect-prompt", "g": "data-stdin", "pipelining": "pipeline", "tls-ca-file": "tls-ca-path",
    "body-attach": "attach-body", "dab": "dump-as-body", "n": "suppress-data",
    "stl": "show-time-lapse", "raw": "show-raw-text", "hr": "hide-receive", "hs": "hide-send",
    "hi": "hide-informational", "ha": "hide-all", "nih": "no-info-hints", "nsh": "no-send-hints",
    "nrh": "no-receive-hints", "nth": "no-hints", "dump-mail-body": "dump-mail",
}  # fmt: skip
_SECRET = ("auth-password",)
_OUTPUT = {
    "show-time-lapse", "show-raw-text", "hide-receive", "hide-send", "hide-informational", "hide-all",
    "no-info-hints", "no-send-hints", "no-receive-hints", "no-hints", "protect-prompt", "silent", "S",
    "auth-plaintext", "auth-hide-password", "suppress-data", "support", "version", "help",
    "no-strip-from", "force-getpwuid",
}  # fmt: skip
"""How swaks shows things: nothing here to do, since all is shown and redacted."""
_PROTOCOLS = {"SMTP": Dialect.SMTP, "ESMTP": Dialect.ESMTP, "LMTP": Dialect.LMTP}


def parse_swaks(text: str) -> tuple[Recipe, list[str]]:
    """The recipe, and what was dropped or is not known. Raises UsageError for what is no command."""
    if len(text) > MOST_CHARACTERS:
        raise UsageError("the command is too long", where="swaks")
    try:
        arguments = shlex.split(text.replace("\\\n", " "))
    except ValueError as error:
        raise UsageError(f"the command's quoting is wrong ({error})", where="swaks") from error
    if arguments and arguments[0].rpartition("/")[2] == "swaks":
        arguments = arguments[1:]
    reader = _Reader(arguments)
    reader.read()
    return reader.recipe(), reader.notes


class _Reader:
    def __init__(self, arguments: list[str]) -> None:
        self.notes: list[str] = []
        self._left = deque(arguments)
        self._plan = SendPlan()
        self._letter = Letter()
        self._kind = self._name = ""
        self._bodies: list[tuple[str, str]] = []
        self._xclient: list[list[str]] = [[]]
        self._verify: set[Verify] = set()
        self._values: dict[str, Callable[[str], None]] = {
            "server": self._server,
            "to": lambda v: self._addresses("to", v),
            "cc": lambda v: self._addresses("cc", v),
            "bcc": lambda v: self._addresses("bcc", v),
            "from": lambda v: self._set_letter(sender="" if v == "<>" else v),
            "protocol": self._protocol,
            "quit-after": lambda v: self._stop(v, StopHow.QUIT),
            "drop-after": lambda v: self._stop(v, StopHow.DROP),
            "drop-after-send": lambda v: self._stop(v, StopHow.DROP_AFTER_SEND),
            "helo": lambda v: self._set(helo=v),
            "tls-protocol": self._versions,
            "auth-user": lambda v: self._part("login", user=v),
            "auth-extra": self._extra,
            "xclient": self._xclient_attribute,
            "proxy": lambda v: self._part("proxy", raw=v, version=self._plan.proxy.version or 1),
            "proxy-version": lambda v: self._part("proxy", version=_number(v, 2)),
            "port": lambda v: self._part("target", port=_number(v, 65535)),
            "copy-routing": lambda v: self._part("target", mx_of=v),
            "socket": lambda v: self._part("target", socket_path=v),
            "local-interface": self._interface,
            "local-port": lambda v: self._part("target", source_port=_number(v, 65535)),
            "data": self._data,
            "body": lambda v: self._set_letter(text=_content(v)),
            "attach": self._attach,
            "attach-body": lambda v: self._bodies.append((self._take_kind(), _content(v))),
            "attach-type": lambda v: setattr(self, "_kind", v),
            "attach-name": lambda v: setattr(self, "_name", v),
            "header": lambda v: self._header("replaced", v),
            "add-header": lambda v: self._header("headers", v),
        }
        for option, attribute in words.XCLIENT.items():
            self._values[option[2:]] = lambda v, a=attribute: self._xclient[-1].append(f"{a}={v}")  # type: ignore[misc]
        for field, option in words.TLS_VALUES.items():
            self._values[option[2:]] = lambda v, f=field: self._part("tls", **{f: v})  # type: ignore[misc]
        for field, option in words.PROXY.items():
            self._values[option[2:]] = lambda v, f=field: self._proxy(f, v)  # type: ignore[misc]
        self._flags: dict[str, Callable[[], None]] = {
            "4": lambda: self._part("target", family=4),
            "6": lambda: self._part("target", family=6),
            "pipeline": lambda: self._part("transfer", pipelining=True),
            "prdr": lambda: self._part("envelope", prdr=True),
            "no-data-fixup": lambda: self._part("transfer", raw=True),
            "tls": lambda: self._part("tls", use=TlsUse.STARTTLS),
            "tls-optional": lambda: self._part("tls", use=TlsUse.OPTIONAL),
            "tls-optional-strict": lambda: self._part("tls", use=TlsUse.OPTIONAL),
            "tls-on-connect": lambda: self._part("tls", use=TlsUse.IMPLICIT),
            "tls-verify": lambda: self._verify.update((Verify.CA, Verify.NAME)),
            "tls-verify-ca": lambda: self._verify.add(Verify.CA),
            "tls-verify-host": lambda: self._verify.add(Verify.NAME),
            "xclient-delim": lambda: self._xclient.append([]),
            "xclient-before-starttls": lambda: self._part("xclient", before_tls=True),
            "xclient-no-verify": lambda: self._part("xclient", unadvertised=True),
            "xclient-optional": lambda: self._part("xclient", optional=True),
            "xclient-optional-strict": lambda: self._part("xclient", optional=True),
            "data-stdin": lambda: self._set_letter(raw_file="-", raw_tokens=True),
        }

    def read(self) -> None:
        while self._left:
            argument = self._left.popleft()
            if not argument.startswith("-") or argument == "-":
                self.notes.append(f"left out: {visible(argument, 60)}")
                continue
            name, equals, value = argument.lstrip("-").partition("=")
            if equals:
                self._left.appendleft(value)
            self._one(_ALIASES.get(name, name), has_value=bool(equals))

    def _one(self, name: str, *, has_value: bool) -> None:
        if name.startswith("h-"):
            self._header("replaced", f"{name[2:]}: {self._value(name)}")
        elif name in ("auth", "auth-optional", "auth-optional-strict"):
            self._auth(name)
        elif name in _SECRET:
            self._optional_value()
            self.notes.append("the password was dropped: a recipe holds no secret")
        elif name in self._flags:
            self._flags[name]()
        elif name in self._values:
            self._values[name](self._value(name))
        else:
            dropped = self._optional_value() if has_value or name not in _OUTPUT else ""
            if name not in _OUTPUT:
                self.notes.append(f"not known here: --{visible(f'{name} {dropped}'.strip(), 80)}")

    def _value(self, name: str) -> str:
        if not self._left:
            raise UsageError(f"--{visible(name, 40)} needs a value", where="swaks")
        return self._left.popleft()

    def _optional_value(self) -> str:
        takes = self._left and (not self._left[0].startswith("-") or self._left[0] == "-")
        return self._left.popleft() if takes else ""

    def recipe(self) -> Recipe:
        """What was read, put together."""
        verify = {2: Verify.FULL, 0: Verify.NONE}.get(len(self._verify))
        self._part("tls", verify=verify or next(iter(self._verify), Verify.NONE))
        if self._plan.tls.use is TlsUse.NONE:
            self._part("tls", verify=Verify.FULL)
        commands = tuple(" ".join(parts) for parts in self._xclient if parts)
        self._part("xclient", commands=commands)
        for kind, text in self._bodies:
            if kind == "text/html":
                self._set_letter(html=text)
            else:
                self._set_letter(text=text)
        self._subject()
        return Recipe(self._letter, self._plan)

    def _subject(self) -> None:
        """swaks replaces the subject as any other header."""
        rest = []
        for name, value in self._letter.replaced:
            if name.lower() == "subject":
                self._set_letter(subject=value)
            else:
                rest.append((name, value))
        self._set_letter(replaced=tuple(rest))

    # What options do.

    def _set(self, **changes: Any) -> None:
        self._plan = replace(self._plan, **changes)

    def _set_letter(self, **changes: Any) -> None:
        self._letter = replace(self._letter, **changes)

    def _part(self, part: str, **changes: Any) -> None:
        self._set(**{part: replace(getattr(self._plan, part), **changes)})

    def _server(self, value: str) -> None:
        host, port = _host_and_port(value)
        self._part("target", host=host, **({"port": port} if port else {}))

    def _interface(self, value: str) -> None:
        host, port = _host_and_port(value)
        self._part("target", source=host, **({"source_port": port} if port else {}))

    def _addresses(self, field: str, value: str) -> None:
        more = tuple(one.strip() for one in value.split(",") if one.strip())
        self._set_letter(**{field: (*getattr(self._letter, field), *more)})

    def _xclient_attribute(self, value: str) -> None:
        self._xclient[-1].append(value)

    def _protocol(self, value: str) -> None:
        """SMTP, ESMTP, LMTP, SSMTP …: S is implicit TLS or STARTTLS, A is AUTH."""
        name = value.upper()
        base = next((b for b in ("ESMTP", "SSMTP", "LMTP", "SMTP") if name.startswith(b)), "")
        if not base or name[len(base) :] not in ("", "A", "S", "SA"):
            raise UsageError(f"{visible(value, 40)!r} is no protocol", where="swaks --protocol")
        if base == "SSMTP":
            self._part("tls", use=TlsUse.IMPLICIT)
            self._set(dialect=Dialect.ESMTP)
        else:
            self._set(dialect=_PROTOCOLS[base])
        if "S" in name[len(base) :]:
            self._part("tls", use=TlsUse.STARTTLS)

    def _stop(self, value: str, how: StopHow) -> None:
        name = value.upper()
        points = {text: point for point, text in words.STOPS.items()} | dict(words.STOP_ALIASES)
        if name not in points:
            raise UsageError(f"{visible(value, 40)!r} is no stop point", where="swaks")
        self._set(stop=Stop(points[name], how))

    def _versions(self, value: str) -> None:
        """A list of those allowed, or of those forbidden (``no_tlsv1_3``)."""
        names = [name.strip().lower() for name in value.split(",")]
        known = {text: version for version, text in words.VERSIONS.items()}
        forbidden = {known[n[3:]] for n in names if n.startswith("no_") and n[3:] in known}
        allowed = sorted({known[n] for n in names if n in known} or set(known.values()) - forbidden)
        if not allowed:
            raise UsageError("no TLS version is left", where="swaks --tls-protocol")
        low, high = min(words.VERSIONS), max(words.VERSIONS)
        self._part(
            "tls",
            minimum=allowed[0] if allowed[0] != low else "",
            maximum=allowed[-1] if allowed[-1] != high else "",
        )

    def _auth(self, name: str) -> None:
        names = [one.strip().upper() for one in self._optional_value().split(",") if one.strip()]
        known = tuple(one for one in names if one in words.MECHANISMS)
        for other in names:
            if other not in (*words.MECHANISMS, "ANY"):
                self.notes.append(f"AUTH {visible(other, 40)} is not known here")
        self._part("login", mechanisms=known, optional=name != "auth")

    def _extra(self, value: str) -> None:
        for pair in value.split(","):
            name, _, text = pair.partition("=")
            if name.strip().lower() == "authzid":
                self._part("login", authorize_as=text)
            else:
                self.notes.append(f"not known here: --auth-extra {visible(pair, 60)}")

    def _proxy(self, field: str, value: str) -> None:
        port = field in ("source_port", "destination_port")
        if field == "family":
            known = {text: family for family, text in words.PROXY_1_FAMILIES.items()}
            value = known.get(value.upper(), value)
        self._part("proxy", **{field: _number(value, 65535) if port else value})

    def _data(self, value: str) -> None:
        if value == "-" or value.startswith("@"):
            self._set_letter(raw_file="-" if value == "-" else value[1:], raw_tokens=True)
        else:
            self.notes.append("--data with the message on the command line is not known here")

    def _attach(self, value: str) -> None:
        if not value.startswith("@"):
            self.notes.append("--attach takes a file here: @FILE")
            return
        one = FileRef(value[1:], self._take_kind(), self._name)
        self._name = ""
        self._set_letter(attachments=(*self._letter.attachments, one))

    def _take_kind(self) -> str:
        kind, self._kind = self._kind, ""
        return kind

    def _header(self, field: str, value: str) -> None:
        name, _, text = value.partition(":")
        header = (name.strip(), text.strip())
        self._set_letter(**{field: (*getattr(self._letter, field), header)})


def _host_and_port(value: str) -> tuple[str, int]:
    """``host:port``, ``[v6]:port``, or one of them alone."""
    if value.startswith("["):
        host, _, rest = value[1:].partition("]")
        return host, _number(rest[1:], 65535) if rest.startswith(":") else 0
    host, colon, port = value.rpartition(":")
    if colon and ":" not in host and port.isdigit():
        return host, _number(port, 65535)
    return value, 0


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= most):
        raise UsageError(f"{visible(text, 40)!r} is no number up to {most}", where="swaks")
    return int(text)


def _content(text: str) -> str:
    if text.startswith("@@"):
        text = text[1:]
    return text.replace("\\n", "\n")
