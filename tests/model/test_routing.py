from __future__ import annotations

from smtpadmin.model.routing import FakeSession, SessionReply


def test_a_refusal_is_any_reply_of_400_and_more_or_none_at_all() -> None:
    accepted = SessionReply("", 220, "hello"), SessionReply("QUIT", 221, "bye")
    assert not FakeSession(accepted).refused
    assert FakeSession((*accepted, SessionReply("RCPT TO:<a@b>", 450, "later"))).refused
    assert FakeSession((*accepted, SessionReply("QUIT", None, "no answer"))).refused
