"""The card has what forms ask for, and no password."""

from __future__ import annotations

from smtpadmin.formats.settings_card import settings_rows, settings_text
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SubmissionEndpoint


def test_the_fields_of_a_form() -> None:
    rows = dict(
        settings_rows(SubmissionEndpoint("smtp.example.org", 465, TlsMode.IMPLICIT, user="apikey"))
    )
    assert rows["SMTP host"] == "smtp.example.org"
    assert rows["SMTP port"] == "465"
    assert rows["Username"] == "apikey"
    assert rows["Require TLS/SSL"].startswith("yes")


def test_the_text_has_a_line_for_each_field() -> None:
    endpoint = SubmissionEndpoint("h", 25, TlsMode.NONE)
    assert len(settings_text(endpoint).splitlines()) == len(settings_rows(endpoint))
    assert "Require TLS/SSL: no" in settings_text(endpoint)
