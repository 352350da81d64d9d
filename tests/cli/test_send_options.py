"""Every option is in the help, and those of the protocol agree with what the protocol has."""

from __future__ import annotations

from click.testing import CliRunner

from smtpadmin.cli.send import command
from smtpadmin.cli.send_options import MECHANISMS, POINTS
from smtpadmin.model.smtp_plan import StopPoint
from smtpadmin.protocol.sasl import MAKERS


def test_the_words_agree() -> None:
    assert set(POINTS) == {point.value for point in StopPoint}
    assert set(MECHANISMS) == set(MAKERS)


def test_help_has_every_option_under_a_heading() -> None:
    shown = CliRunner().invoke(command, ["--help"]).output
    for parameter in command.params:
        assert any(name in shown for name in parameter.opts), parameter.opts
    for heading in (
        "Where to:",
        "Login:",
        "TLS:",
        "Envelope:",
        "Message:",
        "Session:",
        "Recipes:",
        "Running:",
    ):
        assert heading in shown
