"""The first window beside a bare PySide6 window with a table view: time and peak memory.

Whole processes, in turn; medians and the ratio. Run: python benchmarks/first_window.py [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow, QTableView
app = QApplication([])
class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, app.quit)
window = Window()
window.setCentralWidget(QTableView())
window.resize(1280, 800)
window.show()
app.exec()
"""


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall seconds and peak resident megabytes of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return took, usage.ru_maxrss / 1024


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
            "SMTPADMIN_EXIT_AFTER_FIRST_FRAME": "1", "SMTPADMIN_HOME": home, "SMTPADMIN_SECRETS": "session",
        }  # fmt: skip
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        bare = Path(home) / "bare.py"
        bare.write_text(BARE)
        commands = {
            "bare window": [sys.executable, str(bare)],
            "smtpadmin gui": [str(Path(sys.executable).with_name("smtpadmin")), "gui"],
        }
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for number in range(runs + 1):
            for name, command in commands.items():
                sample = measure(command, environment)
                if number:
                    samples[name].append(sample)
    medians = {
        name: [statistics.median(values) for values in zip(*rows, strict=True)]
        for name, rows in samples.items()
    }
    for name, (seconds, megabytes) in medians.items():
        print(f"{name:15} {seconds * 1000:7.0f} ms {megabytes:7.1f} MB")
    bare_time, bare_memory = medians["bare window"]
    ours_time, ours_memory = medians["smtpadmin gui"]
    print(f"{'ratio':15} {ours_time / bare_time:7.2f}    {ours_memory / bare_memory:7.2f}")


if __name__ == "__main__":
    main()
