"""Turns a reply or a delivery report into cause, who must act, and what happens next.

What is known stands in ``resources/knowledge/``: reply codes, enhanced status codes, phrases of
servers and providers, and for each normalised reason the words. This file only looks it up.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smtpadmin.model.bounce import DeliveryReport, ReportedRecipient
from smtpadmin.model.explanation import ExplainedRecipient, Explanation, Reason, WhoActs
from smtpadmin.util.resources import read_text

MOST_LOOKED_AT = 2_000
"""Characters of a reply that are matched: phrases stand at its head."""

_CODE = re.compile(r"(?<![\w./-])([245][0-5]\d)(?=[ \-,:;'<#]|$)")
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3}\.\d{1,3})(?![\d.])")
_VAGUE = {"0.0", "1.0", "2.0", "2.1", "3.0", "4.0", "5.0", "6.0", "7.0", "7.1", "7.9", "7.30"}
"""Enhanced codes that say less than a phrase does."""
_AUTOMATIC = {
    "vacation": Reason.VACATION,
    "receipt": Reason.DELIVERED,
    "challenge": Reason.POLICY,
}


@dataclass(frozen=True, slots=True)
class _Codes:
    """The codes at the head of a reply."""

    reply: int | None
    enhanced: str | None

    @property
    def permanent(self) -> bool | None:
        """4xx is temporary, 5xx permanent; None when no code says."""
        lead = self.enhanced[0] if self.enhanced else str(self.reply or "")[:1]
        return {"4": False, "5": True}.get(lead)

    @property
    def good(self) -> bool:
        """Whether it is no refusal at all."""
        return (self.enhanced or str(self.reply or ""))[:1] == "2" or self.reply in (334, 354)


def explain_reply(
    text: str,
    *,
    expires: datetime | None = None,
    next_try: datetime | None = None,
    sender: str | None = None,
    tries: int | None = None,
) -> Explanation:
    """What an SMTP reply, a status code or a log's reason means. Never raises.

    With what the queue knows (``expires``, ``next_try``, ``tries``, ``sender``) the remedy also
    says what the server does next.
    """
    codes = _codes_of(text)
    reason = Reason.DELIVERED if codes.good else _reason_of(text, codes)
    words = _reasons()[reason]
    remedy = str(words["remedy"])
    if not codes.good:
        remedy = " ".join(
            filter(None, (_next_steps(codes, expires, next_try, sender, tries), remedy))
        )
    return Explanation(
        kind="reply",
        reason=reason,
        who_acts=WhoActs(words["who_acts"]),
        summary=_summary(words["summary"], codes),
        remedy=remedy,
        permanent=None if codes.good else codes.permanent,
    )


def explain_message(raw: bytes) -> Explanation:
    """What a whole message is: a delivery report, a bounce without one, a complaint, an automatic
    answer, or none of these. Never raises."""
    from smtpadmin.formats.bounce import read_report

    report = read_report(raw)
    if report.kind == "not-a-bounce":
        return Explanation(
            "not-a-bounce",
            Reason.OTHER,
            WhoActs.NOBODY,
            "This is not a bounce",
            "Nothing to do.",
            None,
            report.message_id,
        )
    recipients = tuple(_explained(recipient, report) for recipient in report.recipients)
    reason = _reason_of_report(report, recipients)
    words = _reasons()[reason]
    permanent = next((r.permanent for r in recipients if r.permanent is not None), None)
    return Explanation(
        kind=report.kind,
        reason=reason,
        who_acts=WhoActs(words["who_acts"]),
        summary=_about(recipients, str(words["summary"])),
        remedy=str(words["remedy"]),
        permanent=permanent,
        message_id=report.message_id,
        recipients=recipients,
    )


def _about(recipients: tuple[ExplainedRecipient, ...], words: str) -> str:
    """A delay is not a failure, and is told as what it is."""
    if recipients and all(recipient.action == "delayed" for recipient in recipients):
        return f"Not delivered yet, the server goes on trying: {words}"
    return words


def _explained(recipient: ReportedRecipient, report: DeliveryReport) -> ExplainedRecipient:
    codes = _codes_of(recipient.diagnostic)
    known = _Codes(codes.reply, _telling(recipient.status, recipient.diagnostic))
    good = recipient.action in ("delivered", "relayed", "expanded")
    if report.kind == "feedback":
        reason = Reason.COMPLAINT
    else:
        reason = Reason.DELIVERED if good else _reason_of(recipient.diagnostic, known)
    if reason is Reason.OTHER or (reason is Reason.POLICY and not recipient.diagnostic):
        reason = _by_phrase(report.words) or reason
    permanent = None if good else False if recipient.action == "delayed" else known.permanent
    return ExplainedRecipient(
        recipient.address,
        recipient.action,
        known.enhanced,
        codes.reply,
        reason,
        permanent,
        recipient.diagnostic,
    )


def _telling(status: str | None, diagnostic: str) -> str | None:
    """The status that says most: many reports say 5.0.0 where the reply had a better one."""
    if status is not None and not status.endswith(".0.0"):
        return status
    inside = [f"{c}.{d}" for c, d in _ENHANCED.findall(diagnostic[:MOST_LOOKED_AT])]
    exact = [code for code in inside if not code.endswith(".0")]
    better = [code for code in inside if not code.endswith(".0.0")]
    return next(iter((*exact, *better)), status or next(iter(inside), None))


def _reason_of_report(report: DeliveryReport, recipients: Iterable[ExplainedRecipient]) -> Reason:
    if report.kind == "auto-reply":
        return _AUTOMATIC.get(report.automatic, Reason.OTHER)
    if report.kind == "feedback":
        return Reason.COMPLAINT
    reasons = [recipient.reason for recipient in recipients]
    if not reasons:
        return _by_phrase(report.words) or Reason.OTHER
    return next((r for r in reasons if r is not Reason.DELIVERED), reasons[0])


def _codes_of(text: str) -> _Codes:
    head = text[:MOST_LOOKED_AT]
    enhanced = _ENHANCED.search(head)
    reply = _CODE.search(head)
    return _Codes(
        int(reply[1]) if reply else None, f"{enhanced[1]}.{enhanced[2]}" if enhanced else None
    )


def _reason_of(text: str, codes: _Codes) -> Reason:
    by_code = _by_enhanced(codes.enhanced)
    by_phrase = _by_phrase(text)
    if by_code is not None and codes.enhanced and codes.enhanced[2:] not in _VAGUE:
        # 5.1.1 is some servers' answer to every recipient they refuse.
        full = codes.enhanced[2:] == "1.1" and by_phrase is Reason.MAILBOX_FULL
        return Reason.MAILBOX_FULL if full else by_code
    if by_phrase is not None:
        return by_phrase
    if by_code not in (None, Reason.OTHER):
        return by_code or Reason.OTHER
    found = _table("reply_codes").get(str(codes.reply))
    return Reason(found["reason"]) if found else Reason.OTHER


def _by_enhanced(code: str | None) -> Reason | None:
    found = _table("enhanced_codes").get(f"x.{code[2:]}") if code else None
    return Reason(found["reason"]) if found else None


def _by_phrase(text: str) -> Reason | None:
    head = text[:MOST_LOOKED_AT].lower()
    return next((reason for pattern, reason in _phrases() if pattern.search(head)), None)


def _summary(words: str, codes: _Codes) -> str:
    if codes.good or codes.permanent is None:
        return words
    return (
        words
        if codes.permanent
        else f"{words} (temporary)"
        if "greylist" not in words.lower()
        else words
    )


def _next_steps(
    codes: _Codes,
    expires: datetime | None,
    next_try: datetime | None,
    sender: str | None,
    tries: int | None,
) -> str:
    if codes.permanent is not False and next_try is None:
        return ""
    parts = []
    if expires is not None:
        end = (
            "then gives up"
            if sender == ""
            else f"then bounces to {sender}"
            if sender
            else "then bounces"
        )
        parts.append(f"The server tries until {_when(expires)}, {end}.")
    if next_try is not None:
        parts.append(f"Next try {_when(next_try)}" + (f", {tries} so far." if tries else "."))
    return " ".join(parts)


def _when(time: datetime) -> str:
    local = time.astimezone()
    today = datetime.now().astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%d %b %H:%M}"


@functools.cache
def _table(name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(read_text(f"knowledge/{name}.json"))
    return found


def _reasons() -> dict[str, dict[str, str]]:
    return _table("reasons")


@functools.cache
def _phrases() -> list[tuple[re.Pattern[str], Reason]]:
    rows: list[dict[str, Any]] = json.loads(read_text("knowledge/phrases.json"))
    return [(re.compile(row["pattern"]), Reason(row["reason"])) for row in rows]
