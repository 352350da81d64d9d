"""Scrolling a transcript of 100,000 lines: the time of each frame, and how long a new line takes.

    QT_QPA_PLATFORM=offscreen python benchmarks/transcript_scroll.py [--lines 100000] [--frames 600]

A frame is what the view does between two scroll positions: scroll, lay out, paint every visible row. At
60 frames a second there are 16.7 ms for it. A frame counts as dropped when it takes longer in every one of
the rounds: a busy machine delays now one, now another. Growing is one append of ten lines, then the end
brought into view, as a live session does it. Searching is one pass over every line.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

FRAME_MS = 1000 / 60


def main() -> int:
    """Measure and print; 1 when a frame was dropped."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return _measure(options.lines, options.frames, options.rounds)


def _measure(lines: int, frames: int, rounds: int) -> int:
    from PySide6.QtWidgets import QApplication

    from smtpadmin.gui.application import make_application
    from smtpadmin.gui.widgets.transcript_view import TranscriptView

    application = make_application()
    view = TranscriptView()
    view.resize(900, 700)
    view.show()
    began = time.perf_counter()
    view.lines.set_lines(_session(lines))
    QApplication.processEvents()
    print(f"{lines} lines shown in {_ms(began):.0f} ms")
    times = [_best(view, kind, frames, rounds) for kind in ("wheel", "bar")]
    dropped = 0
    for kind, found in zip(("by the wheel (3 rows)", "by the bar (far)"), times, strict=True):
        late = sum(ms > FRAME_MS for ms in found)
        dropped += late
        found.sort()
        middle, high = found[len(found) // 2], found[len(found) * 99 // 100]
        print(f"frame {kind}: median {middle:.1f} ms, 99 % {high:.1f} ms, most {found[-1]:.1f} ms, dropped {late} of {len(found)}")  # fmt: skip
    began = time.perf_counter()
    for _ in range(100):
        view.lines.append(_session(10))
        view.scrollToBottom()
        view.viewport().repaint()
    print(f"ten lines more, scrolled and painted: {_ms(began) / 100:.1f} ms")
    began = time.perf_counter()
    found_rows = len(view.search("user99999@"))
    print(f"search over all: {_ms(began):.0f} ms, {found_rows} found")
    del application
    return int(dropped > 0)


def _best(view: object, kind: str, frames: int, rounds: int) -> list[float]:
    """For each frame the best of the rounds."""
    found = [_frames(view, kind, frames) for _ in range(rounds)]
    return [min(times) for times in zip(*found, strict=True)]


def _frames(view: object, kind: str, frames: int) -> list[float]:
    from smtpadmin.gui.widgets.transcript_view import TranscriptView

    assert isinstance(view, TranscriptView)
    bar = view.verticalScrollBar()
    row = view.verticalHeader().defaultSectionSize()
    step = 3 * row if kind == "wheel" else max(1, bar.maximum() // frames)
    times = []
    bar.setValue(0)
    for number in range(frames):
        began = time.perf_counter()
        bar.setValue(number * step)
        view.viewport().repaint()
        times.append(_ms(began))
    return times


def _session(lines: int) -> list[object]:
    from smtpadmin.model.smtp import TranscriptLine

    made: list[object] = []
    for n in range(lines):
        direction = "><*"[n % 3] if n % 50 else "*"
        text = f"RCPT TO:<user{n}@example.org>" if n % 3 == 0 else f"250 2.1.5 Ok {'x' * (n % 70)}"
        made.append(TranscriptLine(n * 0.7, direction, text, n > 20))
    return made


def _ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
