"""What is typed becomes the recipe it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from smtpadmin.cli.send import command
from smtpadmin.cli.send_recipe import base_recipe, with_options, with_port
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import DkimKey, FileRef, Recipe
from smtpadmin.model.smtp_plan import Dialect, ProxyPlan, Stop, StopHow, StopPoint, TlsUse, Verify


def typed(*arguments: str) -> Recipe:
    options: dict[str, Any] = command.make_context("send", list(arguments)).params
    return with_port(with_options(base_recipe(options), options))


def test_the_usual() -> None:
    recipe = typed("--host", "mx", "--from", "<>", "--to", "a@b")
    assert (recipe.plan.target.port, recipe.plan.tls.use, recipe.letter.sender) == (
        587,
        TlsUse.STARTTLS,
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "port"),
    [(("--tls", "none"), 25), (("--tls", "implicit"), 465), (("--protocol", "lmtp"), 24), (("--port", "99"), 99),
     (("--tls", "optional"), 25)],
)  # fmt: skip
def test_ports(arguments: tuple[str, ...], port: int) -> None:
    assert typed("--host", "mx", *arguments).plan.target.port == port
    assert typed("--mx-of", "d.example").plan.target.port == 25


def test_every_group_arrives_where_it_belongs(tmp_path: Path) -> None:
    (tmp_path / "to").write_text("x@y\n# no\n\nz@y\n")
    recipe = typed(
        "--host", "[::1]", "-6", "--source", "::1", "--via", "socks5://h:1", "--protocol", "lmtp", "--helo", "me",
        "--pipelining", "--chunk", "9", "--raw-data", "--end-of-data", r"\n.\n", "--drop-after", "data",
        "--tls", "implicit", "--tls-verify", "ca", "--tls-min", "1.2", "--sni", "s", "--check-name", "c", "--dane",
        "--user", "u", "--auth", "plain", "--auth", "scram-sha-256", "--authorize-as", "z", "--auth-optional",
        "--to", "a@b", "--to-file", str(tmp_path / "to"), "--cc", "c@d", "--dsn-notify", "NEVER", "--declare-size", "0",
        "--smtputf8", "--prdr", "--proxy-version", "2", "--proxy-source", "192.0.2.1", "--xclient", "NAME=x",
        "--xclient", "ADDR=y", "--xclient-optional", "--attach", "f", "--attach-as", "text/x", "g", "--picture", "p",
        "--header", "X-A: 1", "--replace-header", "Date:", "--preset", "bulk", "--dkim", "d", "s", "k", "--long-line", "999",
    )  # fmt: skip
    plan, letter = recipe.plan, recipe.letter
    assert (plan.target.host, plan.target.family, plan.target.proxy_url) == (
        "::1",
        6,
        "socks5://h:1",
    )
    assert (plan.dialect, plan.helo, plan.stop) == (
        Dialect.LMTP,
        "me",
        Stop(StopPoint.DATA, StopHow.DROP),
    )
    assert (
        plan.transfer.pipelining,
        plan.transfer.chunk,
        plan.transfer.raw,
        plan.transfer.end,
    ) == (True, 9, True, r"\n.\n")
    assert (plan.tls.verify, plan.tls.minimum, plan.tls.sni, plan.tls.dane) == (
        Verify.CA,
        "1.2",
        "s",
        True,
    )
    assert (plan.login.mechanisms, plan.login.optional) == (("PLAIN", "SCRAM-SHA-256"), True)
    assert (plan.envelope.notify, plan.envelope.size, plan.envelope.utf8) == ("NEVER", 0, True)
    assert plan.proxy == ProxyPlan(2, source="192.0.2.1")
    assert (plan.xclient.commands, plan.xclient.optional) == (("NAME=x", "ADDR=y"), True)
    assert (letter.to, letter.cc) == (("a@b", "x@y", "z@y"), ("c@d",))
    assert letter.attachments == (FileRef("f"), FileRef("g", "text/x"))
    assert letter.replaced == (("Date", ""),)
    assert letter.headers[0] == ("X-A", "1")
    assert letter.dkim == DkimKey("d", "s", "k")


def test_what_is_typed_counts_more_than_a_swaks_command() -> None:
    recipe = typed("--swaks", "swaks -s mx:26 -t a@b -f c@d", "--port", "99", "--subject", "other")
    assert (recipe.plan.target.host, recipe.plan.target.port) == ("mx", 99)
    assert (recipe.letter.to, recipe.letter.subject) == (("a@b",), "other")


@pytest.mark.parametrize(
    "arguments",
    [
        ("-4", "-6"),
        ("--quit-after", "mail", "--drop-after", "rcpt"),
        ("--fingerprint", "x"),
        ("--header", "none"),
        ("--recipe", "x.json", "--swaks", "swaks"),
        ("--proxy-source", "192.0.2.1"),
        ("--to-file", "no/such"),
    ],
)
def test_what_makes_no_sense(arguments: tuple[str, ...]) -> None:
    with pytest.raises((UsageError, click.UsageError)):
        typed("--host", "mx", *arguments)
