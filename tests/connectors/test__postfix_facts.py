from __future__ import annotations

import pytest

from smtpadmin.connectors._postfix_facts import advice_of, facts_of
from smtpadmin.connectors._postfix_log import LogPlace
from smtpadmin.formats.postfix_config import PostfixInstance

GOOD = {
    "myhostname": "mx1.example.org",
    "maximal_queue_lifetime": "5d",
    "smtp_tls_security_level": "may",
    "enable_long_queue_ids": "yes",
    "relayhost": "",
}
FILE = LogPlace("file", "/var/log/mail.log")


def test_facts() -> None:
    instances = [
        PostfixInstance("", "", True, "/etc/postfix"),
        PostfixInstance("out", "", False, "/x"),
    ]
    facts = facts_of(GOOD, instances, "root: everything", FILE)
    assert facts["Relay host"] == "none: by DNS"
    assert facts["TLS from clients"] == "none"
    assert facts["Instance"] == "main"
    assert facts["Instances"] == "main, out (disabled)"
    assert facts["Queue IDs"] == "long"
    assert "Configuration" not in facts, "what is not said is not shown"
    unreadable = LogPlace("file", "/var/log/mail.log", readable=False)
    assert facts_of(GOOD, [], "x", unreadable)["Log"].endswith("(not readable for this account)")


def test_hostile_settings_are_made_visible() -> None:
    facts = facts_of({"relayhost": "a\x1b[2J" + "b" * 1_000}, [], "x", FILE)
    assert "\x1b" not in facts["Relay host"]
    assert len(facts["Relay host"]) < 400


def test_a_good_server_needs_no_advice() -> None:
    assert advice_of(GOOD, FILE, "") == []


@pytest.mark.parametrize(
    ("changed", "severity", "words"),
    [
        ({"defer_transports": "smtp"}, "fail", "not delivered: smtp"),
        ({"soft_bounce": "yes"}, "warn", "soft_bounce is on"),
        ({"maximal_queue_lifetime": "10m"}, "warn", "returned after 600 s"),
        ({"smtp_tls_security_level": ""}, "warn", "never encrypted"),
        ({"enable_long_queue_ids": "no"}, "warn", "Queue IDs are short"),
    ],
)
def test_what_holds_mail_back(changed: dict[str, str], severity: str, words: str) -> None:
    (advice,) = advice_of(GOOD | changed, FILE, "")
    assert advice.severity == severity
    assert words in advice.summary
    assert "postfix reload" in advice.fix


def test_missing_rights_and_a_missing_log() -> None:
    rights, log = advice_of(
        GOOD, LogPlace("none"), "ops ALL=(root) NOPASSWD: /usr/sbin/postsuper -d -"
    )
    assert "NOPASSWD" in rights.fix
    assert "maillog_file" in log.fix
