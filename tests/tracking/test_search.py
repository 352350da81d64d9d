"""Whole searches against logs whose truth is known: messages, ends, IDs and lines all equal."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from benchmarks.make_exim_log import EXIM, EximWorld
from benchmarks.make_log import ALL, Truth, World, write
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking import exim_lines, postfix_lines, search
from smtpadmin.tracking.dialect import Dialect
from smtpadmin.tracking.log_text import LogText, open_text

Told = tuple[tuple[str, ...], tuple[tuple[str, str], ...], frozenset[str]]


@dataclass
class Made:
    text: LogText
    world: World
    dialect: Dialect

    def find(self, **wanted: object) -> list[TrackedMessage]:
        return search.find(self.text, self.dialect, TrackCriteria(lines=True, **wanted))  # type: ignore[arg-type]


WORLDS: dict[str, tuple[Dialect, Callable[[], World]]] = {
    "postfix": (postfix_lines.DIALECT, lambda: World(7, gap=1.0)),
    "postfix, two hosts": (postfix_lines.DIALECT, lambda: World(8, gap=1.0, hosts=("mx1", "mx2"))),
    "postfix, rfc3339": (postfix_lines.DIALECT, lambda: World(9, gap=1.0, rfc3339=True)),
    "exim 4.96": (exim_lines.DIALECT, lambda: EximWorld(7, gap=1.0, long_ids=False)),
    "exim, both ids": (exim_lines.DIALECT, lambda: EximWorld(8, gap=1.0, long_ids=None)),
}


@pytest.fixture(scope="module", params=list(WORLDS))
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    path = tmp_path_factory.mktemp("logs") / "mail.log"
    dialect, make = WORLDS[request.param]
    world = make()
    write(path, world, 20_000)
    text = open_text([path])
    yield Made(text, world, dialect)
    text.close()


def of_truth(truth: Truth) -> Told:
    return (
        tuple(truth.lines),
        tuple(sorted(truth.recipients.items())),
        frozenset(truth.queue_ids),
    )


def of_message(message: TrackedMessage) -> Told:
    ends = {recipient.address: recipient.status.value for recipient in message.recipients}
    assert len(ends) == len(message.recipients)
    return message.lines, tuple(sorted(ends.items())), frozenset(message.queue_ids)


def same(found: list[TrackedMessage], truths: list[Truth]) -> None:
    got, expected = Counter(map(of_message, found)), Counter(map(of_truth, truths))
    missing, extra = expected - got, got - expected
    kinds = Counter(truth.scenario for truth in truths if of_truth(truth) in missing)
    assert not missing | extra, (
        f"{len(missing)} missing {dict(kinds)}, {len(extra)} too many\n"
        f"expected {next(iter(missing), None)}\n     got {next(iter(extra), None)}"
    )


def test_every_message_of_a_log_is_told_as_it_was(made: Made) -> None:
    same(made.find(), made.world.truths)
    kinds = ALL if made.dialect is postfix_lines.DIALECT else EXIM
    told = {truth.scenario.partition(",")[0] for truth in made.world.truths}
    assert told == set(kinds) - {"noise"}


def test_every_kind_of_message_is_found_by_each_of_its_criteria(made: Made) -> None:
    chosen = random.Random(3).sample(made.world.truths, 120)
    for truth in chosen:
        same(
            made.find(sender=truth.sender),
            [t for t in made.world.truths if sent_by(t, truth.sender)],
        )
        if not truth.recipients:
            continue
        to = next(iter(truth.recipients))
        others = [t for t in made.world.truths if to in t.recipients or names(t, to)]
        same(made.find(recipient=to.upper()), others)
        if truth.message_id and truth.queue_ids:
            same(
                made.find(message_id=truth.message_id),
                [t for t in made.world.truths if t.message_id == truth.message_id],
            )
            same(
                made.find(queue_id=truth.queue_ids[-1]),
                [t for t in made.world.truths if truth.queue_ids[-1] in t.queue_ids],
            )


def test_every_status_is_found(made: Made) -> None:
    everything = made.find()
    statuses = {message.status for message in everything}
    assert len(statuses) > 5
    for status in statuses:
        wanted = TrackCriteria(status=status)
        expected = [message for message in everything if search.matches(message, wanted)]
        found = made.find(status=status)
        assert sorted(m.lines for m in found) == sorted(m.lines for m in expected)


def test_the_same_seed_gives_the_same_log() -> None:
    one, two, other = ("".join(World(seed).run(3000)) for seed in (1, 1, 2))
    assert one == two != other


def names(truth: Truth, address: str) -> bool:
    return any(f"orig_to=<{address}>" in line or f" <{address}> R=" in line for line in truth.lines)


def sent_by(truth: Truth, sender: str) -> bool:
    if sender.startswith("root@"):
        return any(f"from=<{sender}>" in line for line in truth.lines)
    return truth.sender == sender
