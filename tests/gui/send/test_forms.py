"""The forms give back the recipe that they were given: nothing is lost on the way through them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from smtpadmin.gui.send.compose_pane import USUAL, ComposePane
from smtpadmin.gui.send.target_form import split_host
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import DkimKey, FileRef, Letter, Recipe
from smtpadmin.model.smtp_plan import (
    Dialect,
    EnvelopePlan,
    LoginPlan,
    ProxyPlan,
    SendPlan,
    Stop,
    StopHow,
    StopPoint,
    Target,
    TlsPlan,
    TlsUse,
    TransferPlan,
    Verify,
    XclientPlan,
)

pytestmark = [pytest.mark.gui, pytest.mark.usefixtures("themed")]
FULL = Recipe(
    Letter(
        "a@b.example", ("c@d.example", "e@f.example"), ("cc@d.example",), ("bcc@d.example",), "Subject",
        "text\n\nmore", "<p>x</p>", (("X-A", "1"), ("X-A", "2")), (("Date", ""),),
        (FileRef("/tmp/a.pdf", "application/pdf", "b.pdf"),), (FileRef("/tmp/p.png", "", "cid"),),
        "/tmp/raw.eml", True, "gtube", 100, 1500, True, DkimKey("b.example", "s", "/tmp/key"),
    ),
    SendPlan(
        Target("mx.example", 2525, family=6, source="::1", source_port=99, proxy_url="socks5://p:1"),
        Dialect.SMTP, "helo.example",
        TlsPlan(TlsUse.OPTIONAL, Verify.CA, "n", "sni", "/ca", "/cert", "/key", "1.2", "1.3", "ALL",
                "ab" * 32, True, True, True),
        LoginPlan("user", "other", ("PLAIN", "LOGIN"), True),
        ProxyPlan(2, "AF_INET6", "LOCAL", "DGRAM", "::2", 1, "::3", 2, "raw"),
        XclientPlan(("ADDR=1.2.3.4", "NAME=x"), True, True, True),
        EnvelopePlan("FULL", "id", "NEVER", "auto", "8BITMIME", 10, True, True, True, "X=1", "Y=2"),
        TransferPlan(True, 1000, True, "."),
        Stop(StopPoint.DATA, StopHow.DROP),
    ),
)  # fmt: skip


@pytest.fixture
def pane(qtbot: QtBot) -> ComposePane:
    made = ComposePane()
    qtbot.addWidget(made)
    return made


def test_everything_comes_back(pane: ComposePane) -> None:
    pane.fill(FULL)
    assert pane.recipe() == FULL


def test_the_usual_comes_back(pane: ComposePane) -> None:
    recipe = Recipe(
        Letter("a@b.example", ("c@d.example",)), replace(USUAL, target=Target("h", 587))
    )
    pane.fill(recipe)
    assert pane.recipe() == recipe
    assert pane.more.text() == "Advanced"


def test_a_socket_and_a_domain_come_back(pane: ComposePane) -> None:
    for target in (Target(socket_path="/run/lmtp"), Target(mx_of="d.example", port=25)):
        recipe = Recipe(Letter("a@b.example", ("c@d.example",)), replace(USUAL, target=target))
        pane.fill(recipe)
        assert pane.recipe() == recipe


def test_direct_wants_one_domain(pane: ComposePane) -> None:
    pane.letter.from_.setText("<>")
    pane.letter.to.setText("a@b.example; c@d.example")
    pane.target.direct.click()
    assert not pane.target.host.isEnabled()
    with pytest.raises(UsageError, match="not of one domain"):
        pane.recipe()
    pane.letter.to.setText("a@b.example, c@B.example")
    assert pane.recipe().plan.target == Target(mx_of="b.example", port=25)


def test_usual_ports(pane: ComposePane) -> None:
    pane.letter.from_.setText("<>")
    pane.letter.to.setText("a@b.example")
    pane.target.host.setText("h")
    ports = {}
    for use in TlsUse:
        pane.target.tls.choose(use)
        ports[use] = pane.recipe().plan.target.port
    assert list(ports.values()) == [25, 25, 587, 465]
    pane.advanced.editors["", "dialect"].choose(Dialect.LMTP)  # type: ignore[union-attr]
    assert pane.recipe().plan.target.port == 24


def test_another_server_has_another_certificate(pane: ComposePane, qtbot: QtBot) -> None:
    pane.fill(FULL)
    pane.target.host.setCursorPosition(0)
    qtbot.keyClicks(pane.target.host, "x")
    assert pane.recipe().plan.tls.fingerprint == ""


def test_secrets_are_in_no_recipe(pane: ComposePane) -> None:
    pane.fill(FULL)
    pane.target.password.setText("never seen")
    pane.advanced.proxy_user.setText("proxy")
    pane.advanced.proxy_password.setText("never seen")
    assert pane.secrets().password == "never seen"
    assert pane.secrets().proxy_login == ("proxy", "never seen")
    assert "never seen" not in repr(pane.recipe())


def test_the_size_is_chosen_in_the_form(pane: ComposePane) -> None:
    pane.fill(replace(FULL, letter=replace(FULL.letter, raw_file="")))
    pane.letter.least_size.setValue(2_048)
    assert pane.recipe().letter.size == 2 * 1024 * 1024
    assert "at least 2 MiB" in pane.letter._extras.text()
    pane.letter.clear.click()
    assert pane.letter.least_size.text() == "as it is"
    assert pane.letter.letter().size == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mx.example", ("mx.example", 0)),
        ("mx.example:25", ("mx.example", 25)),
        ("[::1]:26", ("::1", 26)),
        ("::1", ("::1", 0)),
        ("[2001:db8::1]", ("2001:db8::1", 0)),
    ],
)
def test_hosts(text: str, found: tuple[str, int]) -> None:
    assert split_host(text) == found


@pytest.mark.parametrize("text", ["a b", "mx:0", "mx:65536", "mx:x", "mx:99999999999999"])
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(UsageError):
        split_host(text)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_any_text_is_a_host_or_a_usage_error(text: str) -> None:
    try:
        host, port = split_host(text.strip())
    except UsageError:
        return
    assert 0 <= port <= 65535
    assert " " not in host


def test_copies_are_typed_told_and_taken_out(pane: ComposePane) -> None:
    pane.fill(FULL)
    letter = pane.letter
    assert (letter.cc.text(), letter.bcc.text()) == ("cc@d.example", "bcc@d.example")
    letter.cc.setText("x@d.example; y@d.example, x@d.example")
    letter.bcc.clear()
    assert letter.letter().cc == ("x@d.example", "y@d.example")
    assert letter.letter().bcc == ()
    letter.clear.click()
    assert (letter.cc.text(), letter.letter().cc) == ("", ())
