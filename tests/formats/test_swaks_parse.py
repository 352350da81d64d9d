"""Command lines as they stand in tickets and manuals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.swaks_parse import parse_swaks
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import FileRef
from smtpadmin.model.smtp_plan import Dialect, Stop, StopHow, StopPoint, TlsUse, Verify


def test_an_everyday_line() -> None:
    recipe, notes = parse_swaks(
        "swaks -t user@example.com,b@example.com -f me@example.org -s mx.example.com:587 \\\n"
        "  -tls -a LOGIN,PLAIN -au me -ap 'hunter2 secret' --header 'Subject: hi' -q RCPT -hr"
    )
    assert (recipe.letter.to, recipe.letter.sender) == (
        ("user@example.com", "b@example.com"),
        "me@example.org",
    )
    assert (recipe.plan.target.host, recipe.plan.target.port) == ("mx.example.com", 587)
    assert (recipe.plan.tls.use, recipe.plan.tls.verify) == (TlsUse.STARTTLS, Verify.NONE)
    assert (recipe.plan.login.user, recipe.plan.login.mechanisms) == ("me", ("LOGIN", "PLAIN"))
    assert recipe.plan.stop == Stop(StopPoint.RCPT)
    assert recipe.letter.subject == "hi"
    assert notes == ["the password was dropped: a recipe holds no secret"]
    assert "hunter2" not in repr(recipe) + repr(notes)


@pytest.mark.parametrize(
    "form", ["-ap hunter2", "--auth-password hunter2", "--auth-password=hunter2", "-ap=hunter2"]
)
def test_a_password_is_dropped_in_every_form(form: str) -> None:
    recipe, notes = parse_swaks(f"swaks -au me {form} --to a@b")
    assert "hunter2" not in repr(recipe) + repr(notes)
    assert recipe.letter.to == ("a@b",)


@pytest.mark.parametrize(
    ("name", "dialect", "use"),
    [("SMTP", Dialect.SMTP, TlsUse.NONE), ("ESMTPSA", Dialect.ESMTP, TlsUse.STARTTLS), ("LMTP", Dialect.LMTP, TlsUse.NONE),
     ("ssmtp", Dialect.ESMTP, TlsUse.IMPLICIT), ("ESMTPS", Dialect.ESMTP, TlsUse.STARTTLS)],
)  # fmt: skip
def test_protocols(name: str, dialect: Dialect, use: TlsUse) -> None:
    plan = parse_swaks(f"swaks --protocol {name}")[0].plan
    assert (plan.dialect, plan.tls.use) == (dialect, use)


def test_xclient_proxy_and_attachments() -> None:
    recipe, notes = parse_swaks(
        "swaks --xclient-addr 192.0.2.1 --xclient-name x --xclient-delim --xclient 'HELO=y' --proxy-version 1 "
        "--proxy-source 192.0.2.7 --proxy-dest 192.0.2.1 --attach-type image/png --attach-name a --attach @/tmp/a.png "
        "--da DATA -li 192.0.2.9:99 --tls-protocol no_tlsv1_3"
    )
    plan = recipe.plan
    assert plan.xclient.commands == ("ADDR=192.0.2.1 NAME=x", "HELO=y")
    assert (plan.proxy.version, plan.proxy.source) == (1, "192.0.2.7")
    assert recipe.letter.attachments == (FileRef("/tmp/a.png", "image/png", "a"),)
    assert plan.stop == Stop(StopPoint.DATA, StopHow.DROP)
    assert (plan.target.source, plan.target.source_port, plan.tls.maximum) == (
        "192.0.2.9",
        99,
        "1.2",
    )
    assert notes == []


def test_what_is_not_known_is_told() -> None:
    _, notes = parse_swaks("swaks --pipe 'exim -bs' stray --auth NTLM --auth-extra domain=x")
    assert notes == [
        "not known here: --pipe exim -bs", "left out: stray", "AUTH NTLM is not known here",
        "not known here: --auth-extra domain=x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "swaks 'open",
        "swaks --to",
        "swaks -p x",
        "swaks -q NEVER",
        "swaks --protocol HTTP",
        "x" * 70_000,
    ],
)
def test_what_is_no_command(line: str) -> None:
    with pytest.raises(UsageError):
        parse_swaks(line)


@given(st.text(max_size=120))
def test_any_text_is_a_recipe_or_a_usage_error(text: str) -> None:
    try:
        parse_swaks(f"swaks {text}")
    except UsageError:
        return


@given(
    st.lists(
        st.sampled_from(
            [
                "--to",
                "-ap",
                "--auth",
                "-tls",
                "--proxy",
                "-4",
                "--xclient",
                "@x",
                "-",
                "--attach",
                "1",
            ]
        ),
        max_size=12,
    )
)
def test_any_order_of_options(options: list[str]) -> None:
    try:
        parse_swaks(" ".join(["swaks", *options]))
    except UsageError:
        return
