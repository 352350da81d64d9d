"""The same window at 200 %. The scale is set before Qt starts, so it is a process of its own, which runs
beside the rest of the tour."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LARGE_VARIABLE = "SMTPADMIN_TOUR_LARGE"
FIRST_NUMBER = 90
"""Its pictures come last, whatever the number of the others."""
WAIT_S = 90.0
_PROGRAM = """
import sys; from pathlib import Path
from smtpadmin.gui.application import run_window; from smtpadmin.gui.tour import Tour
tour = Tour(Path(sys.argv[1])); first = int(sys.argv[2]); tour.pictures = [("", "")] * first
run_window(scenario=tour.run)
print(*(f"{name}\\t{words}" for name, words in tour.pictures[first:]), sep="\\n")
"""


class LargeTour:
    """Starts at once, with a home of its own below ``home``."""

    def __init__(self, out: Path, home: Path) -> None:
        environment = os.environ | {
            LARGE_VARIABLE: "1",
            "QT_SCALE_FACTOR": "2",
            "SMTPADMIN_HOME": str(home / "large"),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(out), str(FIRST_NUMBER)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def pictures(self) -> tuple[list[tuple[str, str]], str]:
        """File names and words, and what went wrong (empty: nothing); waits for its end."""
        try:
            told, complaints = self._process.communicate(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            told, complaints = self._process.communicate()
            complaints += "\nit did not end in time"
        lines = [line.split("\t") for line in told.splitlines() if "\t" in line]
        good = lines and self._process.returncode == 0
        return [(name, words) for name, words in lines], "" if good else complaints[-500:] or "?"
