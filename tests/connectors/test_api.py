"""Abilities are seen on classes and objects alike."""

from __future__ import annotations

from smtpadmin.connectors.api import (
    ABILITIES,
    MessageSource,
    QueueControl,
    abilities_of,
    ability,
)
from smtpadmin.model.queue import StoredMessage


class OnlyMessages:
    async def fetch_message(self, queue_id: str) -> StoredMessage:
        return StoredMessage(queue_id, "", (), b"")


def test_an_ability_is_the_object_itself_or_none() -> None:
    connector = OnlyMessages()
    assert ability(connector, MessageSource) is connector
    assert ability(connector, QueueControl) is None


def test_abilities_by_name_of_class_and_object() -> None:
    assert abilities_of(OnlyMessages) == ("message",)
    assert abilities_of(OnlyMessages()) == ("message",)
    assert abilities_of(object()) == ()


def test_every_ability_has_at_least_one_member() -> None:
    for name, protocol in ABILITIES.items():
        assert [m for m in vars(protocol) if not m.startswith("_")], name
