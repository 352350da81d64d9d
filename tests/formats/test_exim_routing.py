from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.exim_routing import parse_routes, parse_session, session_commands
from smtpadmin.model.routing import Route, SessionEnvelope

ROUTES = """\
u1@down.test
    <-- team@lab.test
    <-- all@lab.test
  router = away, transport = hop
  host mx1.down.test      [192.0.2.1]  MX=10
  host mx2.down.test      [192.0.2.2]  MX=20
bounceme@lab.test is undeliverable: mailbox closed
later@lab.test cannot be resolved at this time: quota check not reachable
x@y.test is undeliverable:
  Unrouteable address
mail to hole@lab.test is discarded
syntax error: missing or malformed local part (expected word or "<")
"""


def test_every_kind_of_route() -> None:
    delivers, *others = parse_routes(ROUTES)
    assert (delivers.address, delivers.outcome) == ("u1@down.test", "delivers")
    assert (delivers.router, delivers.transport) == ("away", "hop")
    assert delivers.came_from == ("team@lab.test", "all@lab.test")
    assert delivers.hosts[1] == "mx2.down.test      [192.0.2.2]  MX=20"
    assert others == [
        Route("bounceme@lab.test", "undeliverable", reason="mailbox closed"),
        Route("later@lab.test", "deferred", reason="quota check not reachable"),
        Route("x@y.test", "undeliverable", reason="Unrouteable address"),
        Route("hole@lab.test", "discarded"),
        Route("", "invalid", reason='missing or malformed local part (expected word or "<")'),
    ]
    assert parse_routes("exim: permission denied\n") == []


def test_a_session() -> None:
    commands = session_commands(SessionEnvelope("c.test", "", ("a@b.test", "x\r\nDATA\n@b.test")))
    assert commands == [
        "EHLO c.test", "MAIL FROM:<>", "RCPT TO:<a@b.test>", "RCPT TO:<x␍␊DATA␊@b.test>", "QUIT",
    ]  # fmt: skip
    said = "\n**** This is not for real!\n\n220 ex1 ESMTP\r\n250-ex1 Hello\r\n250 HELP\r\n250 OK\r\n550 no such user\r\n"
    session = parse_session(commands, said, ">>> check hosts = :\nLOG: [1] rejected RCPT\nother\n")
    assert [(r.command[:4], r.code) for r in session.replies] == [
        ("", 220), ("EHLO", 250), ("MAIL", 250), ("RCPT", 550), ("RCPT", None), ("QUIT", None),
    ]  # fmt: skip
    assert session.replies[1].text == "ex1 Hello\nHELP"
    assert session.refused
    assert session.explanation == ("check hosts = :",)
    assert session.log == ("[1] rejected RCPT",)


def test_a_session_without_a_refusal() -> None:
    commands = session_commands(SessionEnvelope("c.test", "a@b.test", ()))
    assert not parse_session(commands, "220 x\n250 x\n250 x\n221 x\n", "").refused


@given(st.text(max_size=400), st.text(max_size=100))
def test_any_output_is_read(text: str, other: str) -> None:
    parse_routes(text)
    commands = session_commands(SessionEnvelope(other, text, (other,)))
    assert all("\n" not in command and "\r" not in command for command in commands)
    session = parse_session(commands, text, other)
    assert len(session.replies) == len(commands) + 1
