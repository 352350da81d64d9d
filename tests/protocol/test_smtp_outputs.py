"""What a dialogue wants done shows no secret, wherever it is printed."""

from __future__ import annotations

from smtpadmin.protocol.smtp_outputs import Kind, Write


def test_the_octets_of_a_write_are_not_in_its_repr() -> None:
    assert "hunter2" not in repr(Write(b"AUTH PLAIN hunter2\r\n", Kind.SECRET))
