from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.exim_config import log_places, parse_build, parse_options

BUILD = """\
Exim version 4.96 #2 built 27-May-2026 16:52:26
Copyright (c) University of Cambridge, 1995 - 2018
Support for: crypteq iconv() IPv6 GnuTLS DANE
Configuration file is /etc/exim4/exim4.conf
"""


def test_the_build() -> None:
    build = parse_build(BUILD)
    assert (build.version, build.configuration) == ("4.96", "/etc/exim4/exim4.conf")
    assert "DANE" in build.features
    assert parse_build("sh: exim: not found").version == ""


def test_options() -> None:
    assert parse_options(
        "log_file_path = /var/log/exim/%slog\nno_log_timezone\nprod_requires_admin\n"
        "tls_privatekey = \nadmin_groups =\nhide = <value not displayable>\n"
        "nonsense is not a known option\nlog_selector = +a = b\n"
    ) == {
        "log_file_path": "/var/log/exim/%slog",
        "log_timezone": "no",
        "prod_requires_admin": "yes",
        "tls_privatekey": "",
        "admin_groups": "",
        "hide": "<value not displayable>",
        "log_selector": "+a = b",
    }


def test_where_the_logs_are() -> None:
    for path, main, syslog in (
        ("/var/log/exim4/%slog", "/var/log/exim4/mainlog", False),
        ("/var/log/exim/%s-%D.log", "/var/log/exim/main-*.log", False),
        ("/var/log/exim/%slog-%M", "/var/log/exim/mainlog-*", False),
        ("/var/log/exim/exim_log", "/var/log/exim/exim_log", False),
        ("", "/spool/log/mainlog", False),
        ("syslog : /var/log/exim_%slog", "/var/log/exim_mainlog", True),
        ("syslog :", "/spool/log/mainlog", True),
        ("<; syslog ; /x:y/%slog", "/x:y/mainlog", True),
        ("/x::y/%slog", "/x:y/mainlog", False),
    ):
        found = log_places(path, "/spool")
        assert (found.files["main"], found.syslog) == (main, syslog), path
    assert log_places("syslog", "/spool").files == {}
    assert log_places("/l/%slog", "/s").files["panic"] == "/l/paniclog"


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text_is_read(text: str, other: str) -> None:
    parse_build(text)
    parse_options(text)
    log_places(text, other)
