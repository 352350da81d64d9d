"""The way of a followed message in words: one line for each step, hop and check; no Qt, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smtpadmin.model.authentication import Authentication
from smtpadmin.model.follow import ArrivalReport, FollowReport, FollowStep, StepKind
from smtpadmin.model.message_changes import MessageChanges
from smtpadmin.model.received import Hop
from smtpadmin.model.status import DeliveryStatus
from smtpadmin.util.text import visible

MOST_SHOWN = 500
_KINDS = {
    StepKind.ACCEPTED: ("ok", "Accepted"),
    StepKind.FOUND: ("info", "Seen here"),
    StepKind.NOTIFICATION: ("err", "Bounce"),
    StepKind.NOT_ASKED: ("warn", "Could not be asked"),
    StepKind.ARRIVED: ("ok", "In the mailbox"),
    StepKind.NOT_ARRIVED: ("warn", "Not arrived"),
}
_WELL = (DeliveryStatus.DELIVERED, DeliveryStatus.SENT)
_OPEN = (DeliveryStatus.DEFERRED, DeliveryStatus.HELD, DeliveryStatus.QUEUED)
_ENDS = {
    DeliveryStatus.SENT: "Handed on to a server that cannot be asked",
    DeliveryStatus.PARTIAL: "It ended differently for each recipient",
    DeliveryStatus.DEFERRED: "Deferred: the server will try again",
    DeliveryStatus.HELD: "Held in the queue",
    DeliveryStatus.QUEUED: "Waiting in the queue",
    DeliveryStatus.UNKNOWN: "Nothing is known of it",
}
_GOOD, _BAD = ("pass",), ("fail", "permerror", "softfail")


class Words(NamedTuple):
    """``tone`` is ``ok``, ``info``, ``warn`` or ``err``; ``title`` what happened; ``detail`` the rest."""

    tone: str
    title: str
    detail: str = ""


def step_words(step: FollowStep) -> Words:
    """What a step tells, without its time and server."""
    if step.kind is not StepKind.STATE:
        tone, title = _KINDS[step.kind]
        return Words(tone, title, visible(step.words, MOST_SHOWN))
    status = step.status or DeliveryStatus.UNKNOWN
    title = f"{status.value.capitalize()}: {visible(step.recipient or '', 200)}"
    relay = f"to {visible(step.relay, 200)}" if step.relay else ""
    detail = ", ".join(filter(None, (relay, visible(step.words, MOST_SHOWN))))
    return Words(status_tone(status), title, detail)


def status_tone(status: DeliveryStatus) -> str:
    """Good, open or lost."""
    if status in _WELL:
        return "ok"
    if status is DeliveryStatus.QUEUED:
        return "info"
    return "warn" if status in (*_OPEN, DeliveryStatus.PARTIAL, DeliveryStatus.UNKNOWN) else "err"


def report_words(report: FollowReport) -> Words:
    """The end in one sentence."""
    arrival = report.arrival
    if arrival is not None:
        after = f" after {arrival.after_s:.1f} s" if arrival.after_s is not None else ""
        lies = f"It lies in {visible(arrival.folder, 200)}{after}"
        if arrival.is_junk:
            return Words("warn", lies, "That is a folder for junk.")
        return Words("ok", lies)
    if not report.messages:
        return Words("warn", "No server that can be asked has seen it yet")
    words = _ENDS.get(report.status, report.status.value.capitalize())
    if report.ended:
        return Words(status_tone(report.status), words, "Nothing more will happen.")
    return Words(status_tone(report.status), words, "It has not ended yet; track it again later.")


def hop_words(hop: Hop) -> Words:
    """One ``Received`` field: who gave it to whom, and how long after the hop before."""
    delay = "" if hop.delay is None else f"{hop.delay:+g} s"
    by = visible(hop.by or "?", 200)
    source = visible(hop.sender or hop.client_name or hop.address or "(local)", 200)
    kind = " ".join(filter(None, (visible(hop.protocol, 40), "with TLS" if hop.tls else "")))
    tone = "warn" if hop.delay is not None and (hop.delay > 60 or hop.delay < -2) else "info"
    return Words(tone, f"{source} → {by}", ", ".join(filter(None, (delay, kind))))


def check_words(found: Authentication) -> Iterator[tuple[str, Words]]:
    """Name of each check with its result and reason."""
    if found.spf is not None:
        yield "SPF", _result(found.spf.result, found.spf.domain, found.spf.reason)
    for one in found.dkim:
        yield "DKIM", _result(one.result, f"{one.domain} {one.selector}".strip(), one.reason)
    if not found.dkim:
        yield "DKIM", Words("info", "none", "no signature")
    yield "DMARC", _result(found.dmarc.result, found.dmarc.domain, found.dmarc.reason)
    yield "ARC", _result(found.arc.result, ", ".join(found.arc.sealers), found.arc.reason)
    if found.iprev is not None:
        yield "Reverse name", _result(found.iprev.result, found.iprev.address, found.iprev.reason)


def _result(result: str, subject: str, reason: str) -> Words:
    tone = "ok" if result in _GOOD else "err" if result in _BAD else "info"
    title = f"{result} {visible(subject, 200)}".strip()
    return Words(tone, title, visible(reason, MOST_SHOWN))


def change_words(found: MessageChanges) -> Iterator[Words]:
    """What differs from what was sent."""
    yield Words("ok" if found.body != "changed" else "warn", f"The body is {found.body}")
    for change in found.rewritten:
        detail = f"{visible(change.before or '', 120)} became {visible(change.after or '', 120)}"
        yield Words("warn", f"{visible(change.name, 80)} was rewritten", detail)
    for change in found.removed:
        yield Words(
            "warn", f"{visible(change.name, 80)} was removed", visible(change.before or "", 200)
        )
    added = ", ".join(dict.fromkeys(visible(change.name, 80) for change in found.added))
    if added:
        yield Words("info", "Added on the way", added)
    yield from (Words("info", visible(note, MOST_SHOWN)) for note in found.notes)


def arrival_groups(arrival: ArrivalReport) -> Iterator[tuple[str, list[tuple[str, Words]]]]:
    """Title of each group, and its lines by name."""
    yield "Way, as the Received fields tell", [("", hop_words(hop)) for hop in arrival.hops]
    if arrival.authentication is not None:
        yield "Authentication, computed here", list(check_words(arrival.authentication))
    if arrival.changes is not None:
        yield "What changed on the way", [("", w) for w in change_words(arrival.changes)]
