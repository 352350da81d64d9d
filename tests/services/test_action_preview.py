"""The preview says what would happen; consent covers exactly that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Environment, SafetyLevel
from smtpadmin.model.queue import ActionOffer, QueueAction, QueueRecipient
from smtpadmin.services.action_preview import make_preview, needs_confirmation
from tests.support.memory_server import entry, profile

DELETE = ActionOffer(QueueAction.DELETE, True, commands=("postsuper -d -",))


def test_it_sums_up_what_would_be_touched() -> None:
    two = replace(
        entry(1),
        recipients=(
            QueueRecipient("a@one.example"),
            QueueRecipient("b@two.example"),
            QueueRecipient("c@two.example", delivered=True),
        ),
    )
    entries = [entry(5), two, entry(9), entry(7), replace(entry(8), size=None, arrived=None)]
    preview = make_preview(profile(), DELETE, entries, keeps_copies=True)
    assert preview.count == 5
    assert preview.destinations == (("one.example", 5), ("two.example", 1))
    assert preview.oldest == entry(1).arrived
    assert preview.size == 1_005 + 1_001 + 1_009 + 1_007
    assert preview.sample == tuple(entries[:3])
    assert preview.commands == ("postsuper -d -",)
    assert (preview.destructive, preview.sends_bounce, preview.keeps_copies) == (True, False, True)


@pytest.mark.parametrize(
    ("count", "environment", "action", "typed"),
    [
        (100, Environment.TEST, QueueAction.DELETE, ""),
        (101, Environment.TEST, QueueAction.DELETE, "mx1"),
        (1, Environment.PRODUCTION, QueueAction.BOUNCE, "mx1"),
        (500, Environment.PRODUCTION, QueueAction.HOLD, ""),
    ],
)
def test_when_the_name_must_be_typed(
    count: int, environment: Environment, action: QueueAction, typed: str
) -> None:
    offer = ActionOffer(action, True)
    there = profile(SafetyLevel.CONFIRM, environment)
    preview = make_preview(there, offer, [entry(n) for n in range(count)], keeps_copies=True)
    assert preview.typed_name == typed
    assert preview.needs_typed_name is bool(typed)


def test_a_wrong_name_is_no_consent() -> None:
    there = profile(environment=Environment.PRODUCTION)
    preview = make_preview(there, DELETE, [entry(1)], keeps_copies=True)
    with pytest.raises(UsageError, match="Type mx1 to delete 1 messages"):
        preview.confirm("mx2")
    confirmed = preview.confirm(" MX1 ")
    assert confirmed.action is QueueAction.DELETE
    assert confirmed.identities == {entry(1).identity}


@pytest.mark.parametrize(
    ("safety", "action", "needed"),
    [
        (SafetyLevel.FREE, QueueAction.DELETE, False),
        (SafetyLevel.CONFIRM, QueueAction.DELETE, True),
        (SafetyLevel.CONFIRM, QueueAction.BOUNCE, True),
        (SafetyLevel.CONFIRM, QueueAction.RETRY, False),
    ],
)
def test_consent_is_needed_for_what_has_no_inverse(
    safety: SafetyLevel, action: QueueAction, needed: bool
) -> None:
    assert needs_confirmation(profile(safety), action) is needed
