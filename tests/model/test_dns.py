"""Nouns of the DNS that do more than hold."""

from __future__ import annotations

import pytest

from smtpadmin.model.dns import DnsAnswer, DnsError, DnsStatus, DnsTimeoutError, NameServer
from smtpadmin.model.errors import TotalDeadlineError, UnreachableError


def test_a_failure_says_what_where_and_what_to_do() -> None:
    error = DnsError(DnsStatus.REFUSED, "refused", where="MX a.test", remedy="Ask another.")
    assert str(error) == "MX a.test: refused. Ask another."
    assert isinstance(error, UnreachableError)
    assert error.exit_code == 3


def test_a_time_out_is_one_everywhere() -> None:
    error = DnsTimeoutError("no answer", where="MX a.test", remedy="Wait.", detail="d")
    assert isinstance(error, TotalDeadlineError)
    assert isinstance(error, TimeoutError)
    assert (error.status, error.detail) == (DnsStatus.TIMEOUT, "d")
    assert str(error) == "MX a.test: no answer. Wait."


@pytest.mark.parametrize(
    ("server", "shown"),
    [
        (NameServer("192.0.2.1"), "192.0.2.1:53"),
        (NameServer("2001:db8::1", 5353), "[2001:db8::1]:5353"),
    ],
)
def test_a_server_is_shown_with_its_port(server: NameServer, shown: str) -> None:
    assert str(server) == shown


@pytest.mark.parametrize(("canonical", "alias"), [("", False), ("a.test", False), ("b.test", True)])
def test_an_alias_leads_elsewhere(canonical: str, alias: bool) -> None:
    answer: DnsAnswer[str] = DnsAnswer("a.test", "A", DnsStatus.NODATA, canonical=canonical)
    assert answer.is_alias is alias
