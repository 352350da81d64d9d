"""Levels where a log has them, outcomes where it has not."""

from __future__ import annotations

import pytest

from smtpadmin.formats.exim_log import parse_line as exim_line
from smtpadmin.formats.log_clock import LogClock
from smtpadmin.formats.postfix_log import parse_line
from smtpadmin.model.log import LogRecord
from smtpadmin.services.log_severity import Severity, severity

HEAD = b"Nov 25 12:00:00 mx1 postfix/"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"smtp[1]: A1B2C3D4E5: to=<a@b>, relay=none, delay=1, dsn=4.4.1, status=deferred (no)",
         Severity.WARNING),
        (b"smtp[1]: A1B2C3D4E5: to=<a@b>, relay=x[1.2.3.4]:25, delay=1, dsn=5.1.1, status=bounced (no)",
         Severity.ERROR),
        (b"smtp[1]: A1B2C3D4E5: to=<a@b>, relay=x[1.2.3.4]:25, delay=1, dsn=2.0.0, status=sent (ok)",
         Severity.INFO),
        (b"smtpd[1]: NOQUEUE: reject: RCPT from x[1.2.3.4]: 554 5.7.1 <a@b>: Relay access denied; "
         b"from=<c@d> to=<a@b> proto=ESMTP helo=<x>", Severity.WARNING),
        (b"master[1]: fatal: bind 0.0.0.0 port 25: Address already in use", Severity.ERROR),
        (b"smtpd[1]: warning: hostname x does not resolve", Severity.WARNING),
        (b"qmgr[1]: A1B2C3D4E5: removed", Severity.INFO),
    ],
)  # fmt: skip
def test_postfix(line: bytes, wanted: Severity) -> None:
    assert severity(parse_line(HEAD + line, clock=LogClock())) is wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"2026-11-25 12:00:00 1xVViO-0006Oq-2l == a@b R=x T=y defer (-44): later", Severity.WARNING),
        (b"2026-11-25 12:00:00 1xVViO-0006Oq-2l ** a@b R=x T=y: no such user", Severity.ERROR),
        (b"2026-11-25 12:00:00 1xVViO-0006Oq-2l => a@b R=x T=y H=h [1.2.3.4] C=\"250 ok\"", Severity.INFO),
        (b"2026-11-25 12:00:00 1xVViO-0006Oq-2l Completed", Severity.INFO),
    ],
)  # fmt: skip
def test_exim(line: bytes, wanted: Severity) -> None:
    assert severity(exim_line(line, clock=LogClock())) is wanted


def test_the_worst_counts() -> None:
    assert severity(LogRecord("x", level="info", fields={"status": "bounced"})) is Severity.ERROR
    assert severity(LogRecord("x", level="error", event="reject")) is Severity.ERROR
