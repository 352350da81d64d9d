"""What tracking promises, of every format whose records it joins: on logs with known contents."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpadmin.model.log import LogRecord
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.status import message_status
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking.files import FORMATS
from tests.support.log_writers import START, WRITERS, Mail, Written, mails, parsed, write

NAMES = sorted(WRITERS)
WITH_IDS = [name for name in NAMES if WRITERS[name].queue_id]


def find(name: str, records: Iterable[LogRecord], **wanted: Any) -> list[TrackedMessage]:
    joiner = FORMATS[name].find
    assert joiner is not None
    return list(joiner(records, TrackCriteria(**({"lines": True} | wanted))))


def log_of(name: str, count: int = 40, seed: int = 7) -> Written:
    return write(name, mails(WRITERS[name], count, seed), seed)


def told(message: TrackedMessage) -> dict[str, S]:
    return {recipient.address: recipient.status for recipient in message.recipients}


def ends(mail: Mail, name: str) -> dict[str, S]:
    """What the log tells of each recipient: a scan decides for all of them at once."""
    if name == "rspamd":
        return dict.fromkeys(mail.ends, next(iter(mail.ends.values()))[0])
    return {address: states[-1] for address, states in mail.ends.items()}


def ids_of(lines: Iterable[str], name: str) -> Counter[str]:
    return Counter(record.raw for record in parsed(name, list(lines)) if record.queue_id)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_every_message_with_its_ends_and_lines(name: str, seed: int) -> None:
    written = log_of(name, 60, seed)
    found = {message.lines: message for message in find(name, written.records())}
    assert len(found) == len(written.mails)
    for mail in written.mails:
        message = found[written.lines_of(mail.number)]
        assert message.sender == mail.sender
        assert told(message) == ends(mail, name)
        assert message.status is message_status(ends(mail, name).values())
        assert message.arrived == written.began[mail.number]
        if WRITERS[name].message_ids:
            assert message.message_id == mail.message_id
        if WRITERS[name].retries:
            assert {r.address: r.attempts for r in message.recipients} == {
                address: len(states) for address, states in mail.ends.items()
            }
        if queue_id := WRITERS[name].queue_id:
            assert message.queue_ids[0] == queue_id(mail.number)


@pytest.mark.parametrize("name", NAMES)
def test_lines_only_when_wanted(name: str) -> None:
    assert all(not m.lines for m in find(name, log_of(name).records(), lines=False))


@pytest.mark.parametrize("name", NAMES)
def test_the_null_sender(name: str) -> None:
    written = log_of(name)
    found = find(name, written.records(), sender="<>")
    assert {m.lines for m in found} == {
        written.lines_of(mail.number) for mail in written.mails if mail.sender == ""
    }
    assert all(message.sender == "" for message in found)


@pytest.mark.parametrize("name", NAMES)
def test_criteria(name: str) -> None:
    written = log_of(name)
    mail = written.mails[17]
    (to, *_) = mail.ends
    wanted = written.lines_of(17)
    assert [m.lines for m in find(name, written.records(), recipient=to.upper())] == [wanted]
    anna = {m.number for m in written.mails if m.sender == "anna@acme.example"}
    assert len(find(name, written.records(), sender="anna@acme.example")) == len(anna)
    assert len(find(name, written.records(), sender="anna*")) == len(anna)
    if WRITERS[name].message_ids:
        for message_id in (mail.message_id, mail.message_id[1:-1]):
            assert [m.lines for m in find(name, written.records(), message_id=message_id)] == [
                wanted
            ]
    assert find(name, written.records(), recipient="nobody@a.example") == []
    for status in WRITERS[name].ends:
        assert len(find(name, written.records(), status=status)) == sum(
            status in ends(one, name).values() for one in written.mails
        )


@pytest.mark.parametrize("name", WITH_IDS)
def test_queue_ids(name: str) -> None:
    written, queue_id = log_of(name), WRITERS[name].queue_id
    assert queue_id is not None
    found = find(name, written.records(), queue_id=queue_id(9))
    assert [m.lines for m in found] == [written.lines_of(9)]


@pytest.mark.parametrize("name", NAMES)
def test_times_and_the_newest(name: str) -> None:
    written = log_of(name)
    everything = find(name, written.records())
    times = [message.arrived for message in everything]
    assert times == sorted(times, key=lambda moment: moment or START)
    assert find(name, written.records(), limit=3) == everything[-3:]
    middle = START + timedelta(seconds=len(written.lines) // 2)
    early = find(name, written.records(), until=middle)
    assert early == [m for m in everything if m.arrived and m.arrived <= middle]
    late = find(name, written.records(), since=middle)
    assert 0 < len(late) < len(everything)
    assert all(m in everything for m in late)


@pytest.mark.parametrize("name", NAMES)
def test_a_log_that_is_cut_anywhere(name: str) -> None:
    written = log_of(name, 6)
    for cut in range(len(written.lines) + 1):
        for lines in (written.lines[:cut], written.lines[cut:]):
            found = find(name, parsed(name, lines))
            said = Counter(line for message in found for line in message.lines)
            assert said <= Counter(lines)
            assert ids_of(lines, name) <= said
            owners = {
                number
                for number, line in zip(written.of, written.lines, strict=True)
                if line in lines
            }
            assert len(found) == len(owners)  # no two mails became one, and none two


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_lines_in_any_order_lose_nothing(name: str, data: st.DataObject) -> None:
    lines = log_of(name, 5, data.draw(st.integers(0, 20))).lines
    shuffled = data.draw(st.lists(st.sampled_from(lines), max_size=60))
    for place in data.draw(st.lists(st.integers(0, 200), max_size=8)):
        if shuffled:
            line = shuffled[place % len(shuffled)]
            at = place * 7 % (len(line) + 1)
            other = shuffled[place * 3 % len(shuffled)]
            shuffled[place % len(shuffled)] = line[:at] + other[at:]
    found = find(name, parsed(name, shuffled))
    said = Counter(line for message in found for line in message.lines)
    if name != "exchange":  # a row whose columns slipped has no event: it belongs to nothing
        assert ids_of(shuffled, name) <= said
    assert said <= Counter(record.raw for record in parsed(name, shuffled))
    for message in found:
        assert len({r.address.casefold() for r in message.recipients}) == len(message.recipients)


@pytest.mark.parametrize("name", NAMES)
def test_time_grows_with_the_log(name: str) -> None:
    """Many messages, and one message with all the lines."""
    one = log_of(name, 1).lines
    for lines in (log_of(name, 400).lines, [*one, *one[-1:] * 2_000]):
        small, large = list(parsed(name, lines)), list(parsed(name, lines * 4))
        for _ in range(5):
            before, after = _seconds(name, small), _seconds(name, large)
            if after < max(before, 0.001) * 12:
                break
        assert after < max(before, 0.001) * 12


def _seconds(name: str, records: list[LogRecord]) -> float:
    start = time.process_time()
    find(name, records)
    return time.process_time() - start


@pytest.mark.parametrize("name", ["sendmail", "opensmtpd"])  # the others' are unique for ever
def test_an_id_that_is_used_again_is_another_message(name: str) -> None:
    done = random.Random(3)
    first = Mail(1, "anna@acme.example", {"a@a.example": (S.SENT,)})
    again = Mail(1, "carol@acme.example", {"b@b.example": (S.DEFERRED, S.SENT)})
    lines = write(name, [first]).lines + write(name, [again], done.randint(1, 9)).lines
    found = find(name, parsed(name, lines))
    assert [(m.sender, told(m)) for m in found] == [
        ("anna@acme.example", {"a@a.example": S.SENT}),
        ("carol@acme.example", {"b@b.example": S.SENT}),
    ]
