"""The options of ``serve`` become a configuration, or one sentence that says what does not fit."""

from __future__ import annotations

import io
import ipaddress
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from smtpadmin.builtin.config import LOOPBACK, NextHop, ServerConfig
from smtpadmin.builtin.passwords import verify
from smtpadmin.cli import serve
from smtpadmin.cli.serve import _Options, make_config, parse_route
from smtpadmin.model.errors import UsageError


def configure(data: Path, **changes: Any) -> ServerConfig:
    options: dict[str, Any] = {
        "smtp": "127.0.0.1:2525",
        "submission": None,
        "admin": "127.0.0.1:8025",
        "data": data,
        "hostname": "mail.acme.example",
        "domains": (),
        "mailboxes": (),
        "routes": (),
        "retry": None,
        "expire": None,
        "user": None,
        "password_stdin": False,
        "password_file": None,
        "relay_networks": (),
        "max_size": None,
        "max_recipients": None,
    }
    return make_config(_Options(**options | changes))


def test_without_options_it_is_the_configurations_own_defaults(tmp_path: Path) -> None:
    plain = ServerConfig(data=tmp_path, hostname="mail.acme.example")
    assert configure(tmp_path) == plain


def test_every_option_arrives(tmp_path: Path) -> None:
    config = configure(
        tmp_path,
        smtp="[::1]:0",
        submission="127.0.0.1:465",
        admin="127.0.0.1:1",
        domains=("ACME.example", "any.example"),
        mailboxes=("Anna@acme.example", "ben@acme.example", "x@other.example"),
        routes=("Partner.example=10.0.0.5:25", "*=smart.example:587"),
        retry="30s,2m,1h",
        expire="2d",
        relay_networks=("10.0.0.0/8", "192.0.2.7"),
        max_size=1_000,
        max_recipients=5,
    )
    assert config.smtp == ("::1", 0)
    assert config.submission == ("127.0.0.1", 465)
    assert config.local_domains == {
        "acme.example": {"anna", "ben"},
        "any.example": None,
        "other.example": {"x"},
    }
    assert config.routes == {
        "partner.example": NextHop("10.0.0.5", 25),
        "*": NextHop("smart.example", 587),
    }
    assert config.schedule.retry_s == (30, 120, 3600)
    assert config.schedule.expire_s == 2 * 86400
    assert config.relay_networks == tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "192.0.2.7/32")))
    assert (config.limits.message_size, config.limits.recipients) == (1_000, 5)


def test_loopback_relays_unless_networks_are_named(tmp_path: Path) -> None:
    assert configure(tmp_path).relay_networks == LOOPBACK


def test_a_password_comes_from_a_file_or_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("from file\nsecond line\n", "utf-8")
    users = configure(tmp_path, user="anna", password_file=file).users
    assert verify(users["anna"], "from file")
    monkeypatch.setattr("sys.stdin", io.StringIO("from stdin\r\n"))
    users = configure(tmp_path, user="anna", password_stdin=True).users
    assert verify(users["anna"], "from stdin")
    assert "from stdin" not in str(users)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"user": "anna"}, "--user"),
        ({"user": "anna", "password_file": Path("empty")}, "--user"),
        ({"user": "anna", "password_file": Path("missing")}, "missing"),
        ({"mailboxes": ("anna",)}, "--mailbox"),
        ({"mailboxes": ("@acme.example",)}, "--mailbox"),
        ({"relay_networks": ("everybody",)}, "--relay-network"),
        ({"retry": "30s,,2m"}, "--retry"),
        ({"expire": "soon"}, "--expire"),
        ({"smtp": "2525"}, "--smtp"),
        ({"routes": ("partner.example",)}, "--route"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object], where: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").write_text("\n")
    with pytest.raises(UsageError) as caught:
        configure(tmp_path, **options)
    assert caught.value.where == where


def test_a_route() -> None:
    assert parse_route("D.example=[::1]:25") == ("d.example", NextHop("::1", 25))
    for bad in ("=h:25", "d.example", "d.example=h"):
        with pytest.raises(UsageError):
            parse_route(bad)


def test_help_names_every_option() -> None:
    done = CliRunner().invoke(serve.command, ["--help"], env=dict(os.environ, COLUMNS="100"))
    assert done.exit_code == 0
    options = "smtp submission admin data domain mailbox route retry user password-stdin"
    for name in (options + " relay-network max-size max-recipients demo exit-with-parent").split():
        assert f"--{name}" in done.output
