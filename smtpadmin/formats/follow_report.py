"""The report of a followed test message, to keep or to attach to a ticket: text, or one HTML page.

Pure. Everything that a server or a stranger wrote is made visible and escaped here; the page needs no
script and loads nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape

from smtpadmin.formats.follow_words import Words, arrival_groups, report_words, step_words
from smtpadmin.model.follow import FollowReport, FollowStep
from smtpadmin.util.text import visible

SUFFIXES = {".html": "Report (*.html)", ".txt": "Text (*.txt)"}
_STYLE = (
    "body{font:14px system-ui,sans-serif;margin:2em;color:#222;background:#fff}"
    "table{border-collapse:collapse}td{padding:3px 10px 3px 0;vertical-align:top}"
    "td.t{color:#586172;white-space:nowrap}.ok{color:#11692f}.warn{color:#8a5000}.err{color:#b42318}"
    ".n{color:#586172}"
)
Line = tuple[str, str, Words]
"""Time or name, server, words."""


def follow_report(report: FollowReport, suffix: str, made: datetime) -> str:
    """HTML for ``.html`` and ``.htm``, else text. ``made`` is when it is written."""
    return as_html(report, made) if suffix in (".html", ".htm") else as_text(report, made)


def as_text(report: FollowReport, made: datetime) -> str:
    """One line for each step, hop and check."""
    head = report_words(report)
    lines = [f"Message-ID {visible(report.message_id)}", f"{head.title}. {head.detail}".strip(), ""]
    for title, group in _groups(report):
        lines += [title, *(_text_line(*line) for line in group), ""]
    return "\n".join([*lines, f"Written {_clock(made)}", ""])


def _text_line(left: str, server: str, words: Words) -> str:
    parts = (left, server, words.title, words.detail)
    return "  " + "  ".join(part for part in parts if part)


def as_html(report: FollowReport, made: datetime) -> str:
    """A page of its own."""
    head = report_words(report)
    tables = "".join(
        f"<h2>{escape(title)}</h2><table>{''.join(_row(*line) for line in group)}</table>"
        for title, group in _groups(report)
    )
    return (
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>A test message followed</title>'
        f"<style>{_STYLE}</style><h1>A test message followed</h1>"
        f'<p class="{head.tone}"><b>{escape(head.title)}</b> {escape(head.detail)}</p>'
        f"<p>Message-ID {escape(visible(report.message_id))}</p>{tables}"
        f'<p class="n">Written {_clock(made)} by smtpadmin.</p></html>\n'
    )


def _row(left: str, server: str, words: Words) -> str:
    return (
        f'<tr><td class="t">{escape(left)}</td><td>{escape(server)}</td>'
        f'<td class="{words.tone}">{escape(words.title)}</td><td>{escape(words.detail)}</td></tr>'
    )


def _groups(report: FollowReport) -> Iterator[tuple[str, list[Line]]]:
    yield "Steps", [line for step in report.steps for line in _step_lines(step)]
    if report.arrival is not None:
        for title, lines in arrival_groups(report.arrival):
            yield title, [(name, "", words) for name, words in lines]


def _step_lines(step: FollowStep) -> Iterator[Line]:
    where = visible(f"{step.server} {step.queue_id or ''}".strip(), 300)
    yield _clock(step.time), where, step_words(step)
    if step.next_try is not None:
        yield "", "", Words("warn", "Next try", _clock(step.next_try))
    if step.explanation is not None:
        yield "", "", Words("info", step.explanation.summary, step.explanation.remedy)


def _clock(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S %Z}".strip()
