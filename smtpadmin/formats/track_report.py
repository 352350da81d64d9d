"""What became of messages, written for others: text for a ticket, CSV, JSON Lines, one HTML page.

Pure functions. Everything that a server or a stranger wrote is made visible and escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from types import MappingProxyType

import msgspec

from smtpadmin.formats.csv_export import to_csv
from smtpadmin.formats.leg_spans import LegSpan, leg_spans
from smtpadmin.model.errors import UsageError
from smtpadmin.model.status import OPEN_WORST_FIRST, DeliveryStatus
from smtpadmin.model.tracking import TrackedMessage, TrackedRecipient
from smtpadmin.util.text import visible

MOST_TEXT = 4_000
REPORTS: Mapping[str, str] = MappingProxyType(
    {".html": "Report (*.html)", ".csv": "CSV (*.csv)", ".jsonl": "JSON Lines (*.jsonl)",
     ".txt": "Text (*.txt)"}
)  # fmt: skip
"""Suffix of a file -> what a file dialog calls it."""

_CSV_HEADER = (
    "arrived", "status", "sender", "recipient", "recipient status", "dsn", "reply", "relay", "time",
    "delay s", "tries", "subject", "size", "message-id", "queue ids", "client",
)  # fmt: skip


def report(messages: Sequence[TrackedMessage], suffix: str, asked: str, made: datetime) -> str:
    """The report that a file of that suffix holds. ``asked`` are the criteria in words, ``made`` is
    when. Raises UsageError for a suffix that is none of :data:`REPORTS`."""
    if suffix == ".html":
        return as_html(messages, asked, made)
    if suffix == ".csv":
        return as_csv(messages, f"{asked}; {made.isoformat(timespec='seconds')}")
    if suffix in (".jsonl", ".json"):
        return as_json_lines(messages)
    if suffix == ".txt":
        return "\n\n".join(map(as_text, messages)) + "\n"
    raise UsageError(
        f"a report cannot be written as {suffix or 'a file without suffix'!r}",
        remedy=f"Use one of {', '.join(REPORTS)}.",
    )


def as_json_lines(messages: Iterable[TrackedMessage]) -> str:
    """One object a line, as ``track --json`` prints it."""
    return "".join(msgspec.json.encode(message).decode() + "\n" for message in messages)


def as_csv(messages: Iterable[TrackedMessage], comment: str = "") -> str:
    """One row a recipient; a message without recipients has one row too."""
    rows = (
        _csv_row(message, recipient)
        for message in messages
        for recipient in (message.recipients or (None,))
    )
    return to_csv(_CSV_HEADER, rows, comment.replace("\n", " "))


def _csv_row(message: TrackedMessage, recipient: TrackedRecipient | None) -> list[str]:
    client = message.client
    values: list[object] = [message.arrived, message.status, sender_of(message)]
    if recipient is None:
        values += [""] * 8
    else:
        values += [
            recipient.address, recipient.status, recipient.dsn, recipient.reply, recipient.relay,
            recipient.time, recipient.delay, recipient.attempts,
        ]  # fmt: skip
    values += [message.subject, message.size, message.message_id, " ".join(message.queue_ids),
               (client.name or client.address) if client else None]  # fmt: skip
    return [_cell(value) for value in values]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else visible(str(value), MOST_TEXT)


def sender_of(message: TrackedMessage) -> str:
    """The envelope sender for people: ``<>`` is the null sender, ``unknown`` one never seen."""
    return "unknown" if message.sender is None else message.sender or "<>"


def as_text(message: TrackedMessage) -> str:
    """A message's story for a ticket: facts, recipients, legs, log lines."""
    recipients = [
        f"  {r.address}: {r.status} {r.dsn or ''} {r.reply or ''} ({r.attempts} tries)"
        for r in message.recipients
    ]
    legs = [
        f"  {span.leg.kind} {' '.join(_leg_names(span))}, {_delay_words(span)}"
        for span in leg_spans(message)
    ]
    lines = [*(f"{name}: {value}" for name, value in _facts(message)), "Recipients:", *recipients]
    if len(legs) > 1:
        lines += ["Legs:", *legs]
    return "\n".join(
        visible(line.rstrip(), MOST_TEXT) for line in [*lines, "", *message.lines]
    ).rstrip()


def _facts(message: TrackedMessage) -> list[tuple[str, str]]:
    return [
        ("Message-ID", message.message_id or "none"),
        ("Queue IDs", ", ".join(message.queue_ids) or "none (refused before one was given)"),
        ("From", sender_of(message)),
        ("Subject", message.subject or ""),
        ("Arrived", message.arrived.isoformat() if message.arrived else "unknown"),
        ("Status", message.status),
    ]


def _leg_names(span: LegSpan) -> list[str]:
    leg = span.leg
    return [leg.queue_id, *(f"on {name}" for name in (leg.server or leg.host,) if name)]


def _delay_words(span: LegSpan) -> str:
    took = "still under way" if span.length is None else f"took {span.length:.3g} s"
    return f"+{span.start:.3g} s, {took}"


def as_html(messages: Sequence[TrackedMessage], asked: str, made: datetime) -> str:
    """One page that needs nothing else: no script, no picture, no address of another host."""
    body = "\n".join(map(_message_html, messages))
    when = made.isoformat(" ", "seconds")
    count = f"{len(messages)} message{'' if len(messages) == 1 else 's'}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Message tracking: {_html(asked)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>Message tracking</h1><p>{_html(asked)} · {count} · {_html(when)}</p>\n{body}\n"
        "</body></html>\n"
    )


def _message_html(message: TrackedMessage) -> str:
    facts = "".join(
        f"<dt>{_html(name)}</dt><dd>{_html(value)}</dd>" for name, value in _facts(message)
    )
    recipients = "".join(map(_recipient_html, message.recipients))
    legs = "".join(map(_leg_html, leg_spans(message)))
    log = "\n".join(_html(line) for line in message.lines)
    title = message.subject or message.message_id or "(no subject)"
    return (
        f"<article><h2>{_status_html(message.status)} {_html(title)}</h2><dl>{facts}</dl>"
        "<table><tr><th>Recipient</th><th>Status</th><th>DSN</th><th>Reply</th><th>Tries</th></tr>"
        f"{recipients}</table>"
        + (f"<div class=legs>{legs}</div>" if legs else "")
        + (f"<details><summary>Log lines</summary><pre>{log}</pre></details>" if log else "")
        + "</article>"
    )


def _recipient_html(recipient: TrackedRecipient) -> str:
    cells = (recipient.dsn or "", recipient.reply or "", recipient.attempts)
    rest = "".join(f"<td>{_html(str(cell))}</td>" for cell in cells)
    return f"<tr><td>{_html(recipient.address)}</td><td>{_status_html(recipient.status)}</td>{rest}</tr>"


def _leg_html(span: LegSpan) -> str:
    left, wide = (round(part * 100, 2) for part in span.share)
    return (
        f"<div class=leg><span>{_html(span.leg.kind)} {_html(' '.join(_leg_names(span)))}</span>"
        f'<span class=line><i style="margin-left:{left}%;width:{wide}%"></i></span>'
        f"<span>{_html(_delay_words(span))}</span></div>"
    )


def _status_html(status: DeliveryStatus) -> str:
    good = status in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED)
    tone = "ok" if good else "warn" if status in (*OPEN_WORST_FIRST, "partial") else "err"
    return f"<b class={tone}>{_html(status)}</b>"


def _html(text: str) -> str:
    return escape(visible(text, MOST_TEXT))


_STYLE = """
:root{color-scheme:light dark;font:14px/1.5 system-ui,sans-serif}
body{max-width:70em;margin:2em auto;padding:0 1em}
article{border-top:1px solid #8b93a3;margin-top:1.5em}h1{font-size:1.5em}h2{font-size:1.15em}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em 1em}dt{opacity:.7}dd{margin:0}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25em .6em .25em 0;vertical-align:top;
overflow-wrap:anywhere}
b{padding:.1em .5em;border-radius:.6em;font-size:.9em}
.ok{background:#dcf3e3;color:#11692f}.warn{background:#fdefd2;color:#8a5000}.err{background:#fde4e1;color:#b42318}
.leg{display:grid;grid-template-columns:16em 1fr 14em;gap:1em}.line{border-bottom:1px solid #8b93a3}
.line i{display:block;height:.7em;min-width:3px;margin-top:.4em;background:#2457d6;border-radius:3px}
pre{overflow-x:auto;font-size:12px}
"""
