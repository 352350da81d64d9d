"""What was typed and what ~/.ssh/config says, together."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.transport.ssh_options import Target, parse_jumps, parse_target, resolve


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("mx1", Target("mx1")),
        ("ann@mx1:2222", Target("mx1", 2222, "ann")),
        ("ssh://ann@mx1", Target("mx1", None, "ann")),
        ("a@b@mx1", Target("mx1", None, "a@b")),
        ("2001:db8::1", Target("2001:db8::1")),
        ("[2001:db8::1]:2222", Target("2001:db8::1", 2222)),
    ],
)
def test_targets(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text", ["", "a b", "-oProxyCommand=x", "mx1:0", "mx1:70000", "mx1:x", "a@"]
)
def test_what_is_no_target(text: str) -> None:
    with pytest.raises(UsageError):
        parse_target(text)


@given(st.text())
def test_any_text_is_a_target_or_a_usage_error(text: str) -> None:
    try:
        found = parse_jumps(text)
    except UsageError:
        return
    for target in found:
        assert parse_target(str(target)) == target


def test_jumps() -> None:
    assert parse_jumps("a,b@c:22") == (Target("a"), Target("c", 22, "b"))
    assert parse_jumps("none") == parse_jumps(" ") == ()
    with pytest.raises(UsageError, match="more than"):
        parse_jumps(",".join("abcdefghi"))


async def test_the_configuration_fills_in_what_was_not_typed(home: Path) -> None:
    (home / ".ssh" / "config").write_text(
        "Host mx1\n HostName 192.0.2.1\n Port 2222\n User ann\n ProxyJump bob@bastion:23\n"
        " HostKeyAlias mail\n UserKnownHostsFile /k1 /k2\n"
    )
    found = await resolve(Target("mx1"))
    assert (found.address, found.port, found.user) == ("192.0.2.1", 2222, "ann")
    assert found.jumps == (Target("bastion", 23, "bob"),)
    assert (found.key_name, found.known_hosts[:2]) == ("mail", ("/k1", "/k2"))
    assert found.where == "ssh ann@mx1:2222"
    assert found.target.place == "ssh:mx1:22"
    typed = await resolve(Target("mx1", 24, "eve"), "none")
    assert (typed.port, typed.user, typed.jumps) == (24, "eve", ())


async def test_a_broken_configuration(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Port forty\n")
    with pytest.raises(UsageError, match="config"):
        await resolve(Target("mx1"))
