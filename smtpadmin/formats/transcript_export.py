"""A session's transcript as a file: text for people, JSON for programs, HTML to attach to a ticket.

What is secret was redacted when it was recorded; here nothing is added but form. The HTML needs no
script and loads nothing.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from pathlib import PurePath

from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp import SendResult, TranscriptLine
from smtpadmin.util.text import visible

KINDS = {".txt": "text", ".log": "text", ".json": "json", ".html": "html", ".htm": "html"}
MARKS = {">": "client", "<": "server", "*": "note"}
_STYLE = (
    "body{font:14px system-ui,sans-serif;margin:2em;color:#222;background:#fff}"
    "table{border-collapse:collapse}td{padding:1px 8px;vertical-align:top}"
    "td.t{text-align:right;color:#777}td.l{font-family:ui-monospace,monospace;white-space:pre-wrap}"
    ".client .l{color:#0b5394}.server .l{color:#38761d}.note .l{color:#777}.tls .d{font-weight:bold}"
    "div.b{background:#6fa8dc;height:.8em;min-width:1px}"
)


def kind_for(name: str) -> str:
    """``text``, ``json`` or ``html``, by the end of a file's name. Raises UsageError."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in KINDS:
        raise UsageError(
            f"{name!r} does not say what to write", remedy="Name it .txt, .json or .html."
        )
    return KINDS[suffix]


def export_transcript(result: SendResult, record: Mapping[str, object], kind: str) -> str:
    """``record`` is the result as ``send --json`` prints it."""
    if kind == "json":
        return json.dumps(record, ensure_ascii=False, indent=1) + "\n"
    return as_html(result) if kind == "html" else as_text(result)


def text_line(line: TranscriptLine) -> str:
    """``   0.123 ~> MAIL FROM:<a@b>``; ``~`` stands before what went over TLS."""
    mark = "~" if line.tls and line.direction != "*" else " "
    return f"{line.t_ms / 1000:8.3f} {mark}{line.direction} {visible(line.line)}"


def as_text(result: SendResult) -> str:
    """The lines, then what became of it and how long each stage took."""
    times = ", ".join(f"{stage} {ms:g} ms" for stage, ms in result.timings_ms.items())
    return "\n".join([*map(text_line, result.transcript), "", *_facts(result), times, ""])


def _facts(result: SendResult) -> list[str]:
    found = [f"{result.host}: {result.result} at {result.stage}"]
    if result.reply is not None:
        found.append(f"reply {result.reply.code} {visible(result.reply.text)}")
    found += [f"queue ID {result.queue_id}"] if result.queue_id else []
    found += [f"Message-ID {visible(result.message_id)}"] if result.message_id else []
    found += [visible(result.error)] if result.error else []
    return found


def as_html(result: SendResult) -> str:
    """A page of its own."""
    facts = "".join(f"<p>{html.escape(fact)}</p>" for fact in _facts(result))
    lines = "".join(map(_html_line, result.transcript))
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>SMTP session</title>'
        f"<style>{_STYLE}</style><h1>SMTP session</h1>{facts}"
        f"<table>{_waterfall(result.timings_ms)}</table><table>{lines}</table></html>\n"
    )


def _html_line(line: TranscriptLine) -> str:
    kind = MARKS.get(line.direction, "note") + (" tls" if line.tls else "")
    mark = html.escape(("~" if line.tls else "") + line.direction)
    shown = html.escape(visible(line.line))
    return (
        f'<tr class="{kind}"><td class="t">{line.t_ms / 1000:.3f}</td>'
        f'<td class="d">{mark}</td><td class="l">{shown}</td></tr>'
    )


def _waterfall(timings: Mapping[str, float]) -> str:
    """One bar for each stage, beginning where the one before ended."""
    whole = sum(timings.values()) or 1.0
    rows, start = [], 0.0
    for stage, ms in timings.items():
        bar = f"margin-left:{400 * start / whole:.0f}px;width:{400 * ms / whole:.0f}px"
        rows.append(
            f'<tr><td>{html.escape(stage)}</td><td class="t">{ms:g} ms</td>'
            f'<td><div class="b" style="{bar}"></div></td></tr>'
        )
        start += ms
    return "".join(rows)
