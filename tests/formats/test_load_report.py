"""A result in words and as JSON: every figure is in it, and no control character."""

from __future__ import annotations

import json

from smtpadmin.formats.load_report import as_json, as_text
from smtpadmin.model.load import Latency, LoadErrors, LoadFigures, LoadPlan

FIGURES = LoadFigures(
    elapsed_s=2.5, wanted=100, accepted=90, failed=7, recipients_refused=3, mean_rate=36.0,
    latency=Latency(1.5, 2.5, 3.5, 9.0, 1.75), errors=(LoadErrors("rcpt", "550 \x1b[31mno", 10),),
    finished=True, stopped=True,
)  # fmt: skip


def test_text_has_every_figure_and_nothing_that_a_terminal_obeys() -> None:
    text = as_text("mx:25", LoadPlan(rate=50.0), FIGURES)
    for word in ("mx:25", "90 accepted", "7 failed", "3 recipients", "36 messages/s", "stopped",
                 "p99 3.5", "10 x at rcpt: 550", "50 messages/s"):  # fmt: skip
        assert word in text
    assert "\x1b" not in text


def test_json_holds_target_plan_and_figures() -> None:
    found = json.loads(as_json("mx:25", LoadPlan(size=77), FIGURES))
    assert (found["target"], found["plan"]["size"], found["accepted"]) == ("mx:25", 77, 90)
    assert found["errors"] == [{"stage": "rcpt", "reply": "550 \x1b[31mno", "count": 10}]
    assert found["latency"]["p99"] == 3.5
