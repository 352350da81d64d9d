"""The turns of a session: order, stages, and where it stops."""

from __future__ import annotations

import pytest

from smtpadmin.model.errors import ServerRefusedError
from smtpadmin.model.smtp import Stage
from smtpadmin.model.smtp_plan import Stop, StopHow, StopPoint
from smtpadmin.protocol.smtp_outputs import Enter, HangUp, Note, Write
from smtpadmin.protocol.smtp_talk import REPLY, StoppedEarly, Talk


def talk(stop: Stop | None = None) -> Talk:
    return Talk("mx:25", stop, lambda text: text.replace("secret", "…"))


def test_a_command_is_said_then_its_reply_awaited() -> None:
    one = talk()
    steps = one.command(b"NOOP\r\n")
    assert next(steps) == Write(b"NOOP\r\n")
    assert next(steps) is REPLY
    one.take(b"250 ok secret\r\n")
    with pytest.raises(StopIteration) as found:
        steps.send(one.replies.popleft())
    assert found.value.value.text == "ok …"


def test_a_challenge_is_left_whole() -> None:
    one = talk()
    one.take(b"334 secret\r\n")
    assert one.replies.popleft().text == "secret"


def test_421_raises_wherever_it_comes() -> None:
    one = talk()
    one.stage = Stage.MAIL
    steps = one.answer()
    next(steps)
    one.take(b"421 4.3.2 bye\r\n")
    with pytest.raises(ServerRefusedError, match="refused at mail: 421"):
        steps.send(one.replies.popleft())


def test_a_stage_is_entered_once() -> None:
    one = talk()
    assert list(one.enter(Stage.EHLO)) == [Enter(Stage.EHLO)]
    assert list(one.enter(Stage.EHLO, "xclient")) == []
    assert one.detail == "xclient"


def test_stops() -> None:
    one = talk(Stop(StopPoint.MAIL))
    assert list(one.reached(StopPoint.RCPT)) == []
    with pytest.raises(StoppedEarly) as found:
        list(one.reached(StopPoint.MAIL))
    assert found.value.quit
    two = talk(Stop(StopPoint.MAIL, StopHow.DROP))
    steps = two.reached(StopPoint.MAIL)
    assert isinstance(next(steps), Note)
    assert isinstance(next(steps), HangUp)
    with pytest.raises(StoppedEarly):
        next(steps)
    assert two.stopped == "mail"
