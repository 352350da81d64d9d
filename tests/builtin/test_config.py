"""What a configuration says without being told."""

from __future__ import annotations

from pathlib import Path

from smtpadmin.builtin.config import NextHop, ServerConfig


def test_everything_lies_in_the_data_folder() -> None:
    config = ServerConfig(data=Path("d"))
    paths = (config.spool_path, config.mailbox_path, config.log_path, config.token_path)
    assert all(path.is_relative_to("d") for path in paths)
    assert len(set(paths)) == 4


def test_a_new_server_is_reached_from_this_machine_alone() -> None:
    config = ServerConfig(data=Path("d"))
    assert config.smtp[0] == config.admin[0] == "127.0.0.1"
    assert config.submission is None
    assert all(network.is_loopback for network in config.relay_networks)


def test_secrets_are_not_printed() -> None:
    hop = NextHop("relay.example", 587, user="u", password="pa55")
    config = ServerConfig(data=Path("d"), routes={"*": hop}, users={"u": "scrypt$record"})
    assert str(hop) == "relay.example:587"
    assert "pa55" not in repr(config)
    assert "scrypt$record" not in repr(config)
