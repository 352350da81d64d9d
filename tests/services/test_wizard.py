"""The wizard's engine: forward fills, Back is exact, nothing blocks, the profile is saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Environment, SafetyLevel
from smtpadmin.services.checks import CheckResult
from smtpadmin.services.wizard import Step, Wizard
from smtpadmin.settings.profiles import ProfileStore
from smtpadmin.settings.secret_store import SessionStore
from tests.support.smtp_server import PASSWORD, real_server


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(SessionStore(), tmp_path / "lock")


async def test_from_an_address_to_a_saved_profile(store: ProfileStore) -> None:
    wizard = Wizard(store)
    async with real_server() as (port, _):
        wizard.update(address=f"127.0.0.1:{port}")
        checks = [check async for check in wizard.probe()]
        assert any(check.result is CheckResult.PASS for check in checks)
        wizard.forward()
        assert wizard.state.step is Step.LOGIN
        assert wizard.state.values["host"] == "127.0.0.1"
        assert (wizard.state.values["port"], wizard.state.values["tls"]) == (str(port), "none")
        wizard.update(values={**wizard.state.values, "user": "u", "password": PASSWORD})
        assert (await wizard.test()).software == "SMTP server"
    wizard.forward()
    wizard.update(name="relay")
    wizard.choose_environment(Environment.STAGING)
    saved = await wizard.save()
    assert saved.safety is SafetyLevel.CONFIRM
    assert (await store.find("relay")).port == port
    assert await store.secret(saved.uuid, "password") == PASSWORD


def test_back_shows_exactly_what_was_there(store: ProfileStore) -> None:
    wizard = Wizard(store)
    wizard.update(address="mail.example.org")
    before = wizard.state
    wizard.forward()
    wizard.update(values={"host": "changed.example"})
    assert wizard.back()
    assert wizard.state == before
    assert not wizard.back()


def test_a_preset_fills_host_port_and_tls(store: ProfileStore) -> None:
    wizard = Wizard(store)
    from smtpadmin.services.presets import find_preset

    wizard.update(address="doppler", preset=find_preset("doppler"))
    wizard.forward()
    assert wizard.state.values == {
        "host": "smtp.dopplerrelay.com",
        "port": "587",
        "tls": "starttls",
    }
    assert wizard.profile()[0].name == "Doppler Relay"


def test_nothing_typed_is_said(store: ProfileStore) -> None:
    with pytest.raises(UsageError, match="type a host name"):
        Wizard(store).forward()


def test_production_is_read_only_unless_it_was_chosen_otherwise(store: ProfileStore) -> None:
    wizard = Wizard(store)
    assert wizard.state.safety is SafetyLevel.READ_ONLY
    wizard.choose_environment(Environment.TEST)
    assert wizard.state.safety is SafetyLevel.FREE
    assert "session" in wizard.where_secrets_go()


def test_what_was_accepted_is_kept_where_it_was_asked(store: ProfileStore) -> None:
    wizard = Wizard(store)
    wizard.update(address="mail.example.org:465")
    wizard.forward()
    wizard.trust("ab" * 32)
    wizard.trust("cd" * 32, "ssh:bastion:22")
    assert wizard.state.trust == {
        "tls:mail.example.org:465": "ab" * 32,
        "ssh:bastion:22": "cd" * 32,
    }
