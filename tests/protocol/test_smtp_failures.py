"""Every way in which a session ends badly has its type and its sentence."""

from __future__ import annotations

import pytest

from smtpadmin.model.errors import LoginError, ProtocolError, ServerRefusedError, TotalDeadlineError
from smtpadmin.model.smtp import Reply, Stage
from smtpadmin.protocol.smtp_failures import closed, malformed, refusal, too_slow

WHERE = "mx.example:25"


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_words(stage: Stage) -> None:
    assert too_slow(stage, 1.5, WHERE).what.startswith("no answer within 1.5 s ")
    assert type(too_slow(stage, 1.5, WHERE)) is TotalDeadlineError
    assert closed(stage, WHERE, halfway=False).what.startswith("the server closed the connection ")


def test_silence_before_the_greeting_hints_at_implicit_tls() -> None:
    assert "implicit TLS" in too_slow(Stage.BANNER, 1, WHERE).remedy


def test_refusals() -> None:
    login = refusal(Reply(535, "5.7.8 bad"), Stage.AUTH, WHERE)
    assert isinstance(login, LoginError)
    assert "app password" in login.remedy
    assert "temporary" in refusal(Reply(454, "4.7.0 later"), Stage.AUTH, WHERE).remedy
    refused = refusal(Reply(550, "no\nsuch\x1b user" + "x" * 5_000), Stage.RCPT, WHERE)
    assert isinstance(refused, ServerRefusedError)
    assert refused.what.startswith("the server refused at rcpt: 550 no such␛ user")
    assert len(refused.what) < 500
    odd = refusal(Reply(250, "ok"), Stage.DATA, WHERE)
    assert isinstance(odd, ProtocolError)
    assert odd.what == "an answer out of place: 250 ok (data)"


def test_a_step_without_a_stage_is_named() -> None:
    refused = refusal(Reply(501, "5.5.4 no"), Stage.EHLO, WHERE, "XCLIENT")
    assert refused.what == "the server refused at XCLIENT: 501 5.5.4 no"


def test_a_malformed_answer_says_where() -> None:
    assert malformed(ProtocolError("odd"), Stage.MAIL, WHERE).what == "odd (after MAIL FROM)"
