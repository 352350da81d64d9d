"""The result of a load test as text to paste and as JSON to keep. Pure functions.

The JSON is what ``smtpadmin load --json`` prints at its end, with plan and target beside it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from smtpadmin.model.load import Latency, LoadFigures, LoadPlan
from smtpadmin.util.text import visible


def as_json(where: str, plan: LoadPlan, figures: LoadFigures) -> str:
    """One object, indented."""
    values: dict[str, Any] = {"kind": "result", "target": where, "plan": asdict(plan)}
    return json.dumps(values | asdict(figures), indent=1, ensure_ascii=False) + "\n"


def as_text(where: str, plan: LoadPlan, figures: LoadFigures) -> str:
    """A few lines, the errors at the end."""
    paced = f", {plan.rate:g} messages/s" if plan.rate else ""
    lines = [
        f"Load test of {where}",
        f"{plan.messages} messages of {plan.size} octets to {plan.recipients} recipient(s) over "
        f"{plan.connections} connections{paced}",
        f"{figures.accepted} accepted, {figures.failed} failed, {figures.recipients_refused} recipients "
        f"refused in {figures.elapsed_s:g} s: {figures.mean_rate:g} messages/s"
        + (" (stopped before the end)" if figures.stopped else ""),
        f"latency ms: {latency_words(figures.latency)}",
        f"connect ms: {latency_words(figures.connect)}",
    ]
    lines += [f"{e.count} x at {e.stage}: {e.reply}" for e in figures.errors]
    return "".join(f"{visible(line, 1_000)}\n" for line in lines)


def latency_words(latency: Latency) -> str:
    """The percentiles in a row."""
    return (
        f"p50 {latency.p50:g}, p95 {latency.p95:g}, p99 {latency.p99:g}, max {latency.max:g}, "
        f"mean {latency.mean:g}"
    )
