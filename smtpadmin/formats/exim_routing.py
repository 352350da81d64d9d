"""Exim's tests without mail: ``-bt`` (how an address is routed) and ``-bh`` (a pretended session).

``-bt`` prints an address with ``<--`` lines for what it was made from, its router, transport and
hosts, or one line that says why not. ``-bh`` answers as SMTP on standard output and explains itself
on standard error, ``>>>`` before each rule. Exim specification, "-bt", "-bh"; ``src/verify.c``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from smtpadmin.model.routing import FakeSession, Route, SessionEnvelope, SessionReply
from smtpadmin.util.text import visible

_FAILURES = {
    " is undeliverable": "undeliverable",
    " cannot be resolved at this time": "deferred",
}
_DISCARDED = re.compile(r"mail to (?P<address>.*) is discarded")
_ROUTER = re.compile(r"  router = (?P<router>[^,]*), transport = (?P<transport>.*)")
_CODE = re.compile(r"(?P<code>[2-5]\d\d)(?P<more>[ -]|\Z)(?P<text>.*)")
_MOST_LINES = 20_000


def parse_routes(output: str) -> list[Route]:
    """The routes in the order of the output; empty when it is none of ``-bt``."""
    routes: list[Route] = []
    lines = output.splitlines()[:_MOST_LINES]
    position = 0
    while position < len(lines):
        details = _details(lines, position + 1)
        if route := _route(visible(lines[position]), details):
            routes.append(route)
        position += 1 + len(details)
    return routes


def _details(lines: Sequence[str], start: int) -> list[str]:
    end = start
    while end < len(lines) and lines[end].startswith("  "):
        end += 1
    return list(lines[start:end])


def _route(line: str, details: Sequence[str]) -> Route | None:
    if not line.strip():
        return None
    if line.startswith("syntax error: "):
        return Route("", "invalid", reason=line.removeprefix("syntax error: "))
    if discarded := _DISCARDED.fullmatch(line):
        return Route(discarded["address"], "discarded")
    parents = tuple(visible(d.strip()[4:]) for d in details if d.strip().startswith("<-- "))
    for words, outcome in _FAILURES.items():
        address, separator, reason = line.partition(words)
        if separator:
            more = [visible(d.strip()) for d in details if not d.strip().startswith("<-- ")]
            told = " ".join([reason.lstrip(": "), *more]).strip()
            return Route(address, outcome, came_from=parents, reason=told)
    routers = [router for d in details if (router := _ROUTER.fullmatch(d))]
    if not routers:
        return None
    return Route(
        line,
        "delivers",
        visible(routers[0]["router"]),
        visible(routers[0]["transport"]),
        tuple(visible(d.strip()[5:].strip()) for d in details if d.strip().startswith("host ")),
        parents,
    )


def session_commands(envelope: SessionEnvelope) -> list[str]:
    """What the pretended client says, up to DATA, which is not sent: nothing is to be delivered.
    Line ends and other controls in an address become pictures: each address stays in its line."""
    said = [f"EHLO {visible(envelope.helo)}", f"MAIL FROM:<{visible(envelope.sender)}>"]
    return [*said, *(f"RCPT TO:<{visible(address)}>" for address in envelope.recipients), "QUIT"]


def parse_session(commands: Sequence[str], stdout: str, stderr: str) -> FakeSession:
    """Joins the commands with the answers, the banner first; one without an answer has no code."""
    answers = list(_answers(stdout))
    replies = [
        SessionReply(command, *(answers[number] if number < len(answers) else (None, "no answer")))
        for number, command in enumerate(["", *commands])
    ]
    lines = [visible(line) for line in stderr.splitlines()[:_MOST_LINES]]
    return FakeSession(
        tuple(replies),
        tuple(line.removeprefix(">>> ") for line in lines if line.startswith(">>> ")),
        tuple(line.removeprefix("LOG: ") for line in lines if line.startswith("LOG: ")),
    )


def _answers(stdout: str) -> Iterator[tuple[int, str]]:
    text: list[str] = []
    for line in stdout.splitlines()[:_MOST_LINES]:
        reply = _CODE.fullmatch(line)
        if reply is None:
            continue
        text.append(visible(reply["text"]))
        if reply["more"] != "-":
            yield int(reply["code"]), "\n".join(text)
            text = []
