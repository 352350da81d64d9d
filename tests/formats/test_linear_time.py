"""No parser takes quadratic time, whatever stands in a line of any length."""

from __future__ import annotations

import re

import pytest

from smtpadmin.formats.log_clock import LogClock
from smtpadmin.tracking.files import FORMATS
from tests.support.hostile_lines import assert_linear

SYSLOG = "Jun  6 23:34:18 mx1 "
POSTFIX = (
    *(
        "",
        "A1B2C3D: ",
        "A1B2C3D: to=<",
        "A1B2C3D: to=<a>, relay=",
        "A1B2C3D: from=<",
        "A1B2C3D: client=",
    ),
    *("A1B2C3D: to=<a>, relay=x, status=sent (", "A1B2C3D: reject: header ", "A1B2C3D: uid="),
    *("NOQUEUE: reject: RCPT from a[1]: ", "NOQUEUE: reject: RCPT from a[1]: 550 5.1.1 <"),
    *("A1B2C3D: reject: header X from a[1]; from=<a> to=<b> proto=E helo=<", "A1B2C3D: host "),
    *("disconnect from a[1] ", "lost connection after DATA ", "statistics: ", "DNSBL rank "),
    *("Trusted TLS connection established to ", "warning: a[1]: SASL X authentication failed: "),
    *("PREGREET 5 after 1 from [1]:2: ", "message repeated 3 times: [ "),
)
EXIM = (
    *("", "1rABcd-000DEF-99 ", "1rABcd-000DEF-99 <= a H=(", "1rABcd-000DEF-99 => ", "H=(", "H="),
    *(
        "1rABcd-000DEF-99 => a R=b T=c ",
        "1rABcd-000DEF-99 ** a R=b: ",
        "x authenticator failed for ",
    ),
    *("H=a [1.2.3.4] F=<a> rejected ", "SMTP connection from ", "refused connection from "),
)
SENDMAIL = (
    *("", "u9Q36LgF014458: ", "u9Q36LgF014458: from=", "u9Q36LgF014458: to=", "STARTTLS=client, "),
    *("u9Q36LgF014458: to=<a>, stat=", "u9Q36LgF014458: ruleset=a, ", "u9Q36LgF014458: <"),
)
OPENSMTPD = (
    "",
    "1f55aaaaaaaaaaaa mta delivery ",
    "smtp-in: New session 1f55aaaaaaaaaaaa ",
    "delivery: Ok for ",
)
HARAKA = "2026-11-23T15:21:51.811Z [INFO] [A] [core] "
PREFIXES: dict[str, tuple[str, ...]] = {
    "builtin": ("", '{"time":"'),
    "postfix": (
        *("", "<22>", "<22>1 2026-01-01T00:00:00Z h p 1 - ", '{"__REALTIME_TIMESTAMP":"1",'),
        *(f"{SYSLOG}postfix/x[9]: {start}" for start in POSTFIX),
    ),
    "exim": ("", *(f"2026-03-02 09:44:33 {start}" for start in EXIM)),
    "sendmail": tuple(f"{SYSLOG}sendmail[9]: {start}" for start in SENDMAIL),
    "opensmtpd": (
        "",
        "1f55aaaaaaaaaaaa smtp ",
        *(f"{SYSLOG}smtpd[9]: {start}" for start in OPENSMTPD),
    ),
    "exchange": ("", "2026-01-01T00:00:00Z,", "#Fields: "),
    "kumomta": ("", '{"type":"Delivery",'),
    "haraka": ("", HARAKA, f"{HARAKA}recipient <", "level=INFO uuid=x ", '{"level":"INFO",'),
    "rspamd": ("", '{"action":"a","required_score":1,'),
    "ftgate": ("", "1/1/2026,10:00,In,", "1/1/2026;10:00;In;"),
}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_parsing_is_linear(name: str) -> None:
    parse = FORMATS[name].parser(LogClock(year=2026))
    assert_linear(lambda line: parse(line, file=None, number=None), PREFIXES[name])


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_recognition_is_linear(name: str) -> None:
    assert_linear(FORMATS[name].looks_like, PREFIXES[name])


def test_the_check_sees_quadratic_time() -> None:
    careless = re.compile(rb"a+b")
    with pytest.raises(AssertionError, match="'a'"):
        assert_linear(lambda line: careless.search(line), ("",), size=2_000)
