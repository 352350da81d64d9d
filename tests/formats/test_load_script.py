"""What a load test says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.load_script import message_text, script_of
from smtpadmin.model.load import LoadPlan


@given(st.integers(1, 20_000))
def test_a_message_of_about_the_size_with_lines_that_every_server_takes(size: int) -> None:
    text = message_text(LoadPlan(size=size))
    assert text.endswith(b"\r\n.\r\n")
    assert text.count(b"\n") == text.count(b"\r\n")
    assert max(map(len, text.split(b"\r\n"))) <= 998
    assert b"\r\n.\r\n" not in text[:-5]
    assert abs(len(text) - 3 - size) <= 160


def test_recipients_are_numbered() -> None:
    script = script_of(
        LoadPlan(recipients=2, recipient="u%d@y.example", sender="a@x", helo="h.example")
    )
    assert script.recipients == (b"RCPT TO:<u1@y.example>\r\n", b"RCPT TO:<u2@y.example>\r\n")
    assert (script.mail, script.ehlo) == (b"MAIL FROM:<a@x>\r\n", b"EHLO h.example\r\n")
