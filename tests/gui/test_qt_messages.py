"""Qt's own words in the log, as a process: the test runner has a handler of its own."""

from __future__ import annotations

import subprocess
import sys


def test_a_warning_is_a_log_record_and_a_harmless_one_is_not_shown() -> None:
    program = (
        "import logging; logging.basicConfig(level=logging.WARNING)\n"
        "from PySide6.QtCore import qDebug, qWarning\n"
        "from smtpadmin.gui.qt_messages import install_qt_log\n"
        "install_qt_log()\n"
        "qWarning('something is odd'); qDebug('chatter')\n"
        "qWarning('This plugin does not support raise()')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "WARNING:qt:something is odd\n")
