"""Copies, redirects and what Sieve dropped: the log of a real Postfix with a real Dovecot behind it
is tracked, and every message holds its own lines, and no other's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest

from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking import postfix_lines, search
from smtpadmin.tracking.dovecot_lines import session_named, session_of
from smtpadmin.tracking.log_text import open_text
from smtpadmin.tracking.postfix_lines import own
from smtpadmin.tracking.push_down import track_remote
from smtpadmin.transport.local import LocalRunner
from tests.servers.dovecot import USER
from tests.servers.sieve_lab import (
    ARCHIVE,
    BEN,
    COPY,
    FORWARDER,
    OUTSIDE,
    SENDER,
    SieveLab,
    running_sieve_lab,
)

ENDS = {
    "keep": "delivered", "drop": "discarded", "file": "delivered", "drop and file": "delivered",
    "redirect": "sent", "redirect a copy": "delivered", "answer": "delivered", "reject": "rejected",
}  # fmt: skip
"""What becomes of a message to USER, by its Subject."""


@pytest.fixture(scope="module", params=[False, True], ids=["smtp", "sendmail"])
def lab(request: pytest.FixtureRequest) -> Iterator[tuple[SieveLab, dict[str, str]]]:
    """The lab after one message of each kind; their Message-IDs by Subject."""
    with running_sieve_lab(by_sendmail=request.param) as started:
        sent = {subject: started.send(subject) for subject in ENDS}
        sent["parted"] = started.send("parted", USER, BEN)
        sent["forward"] = started.send("forward", FORWARDER)
        started.settle(deliveries=len(ENDS) + 3)
        yield started, sent


def find(lab: SieveLab, **wanted: str) -> list[TrackedMessage]:
    text = open_text([lab.postfix.log])
    try:
        return search.find(text, postfix_lines.DIALECT, TrackCriteria(lines=True, **wanted))  # type: ignore[arg-type]
    finally:
        text.close()


def ends(message: TrackedMessage) -> dict[str, str]:
    return {item.address: item.status.value for item in message.recipients}


def test_every_recipient_has_its_end(lab: tuple[SieveLab, dict[str, str]]) -> None:
    started, sent = lab
    copied = {ARCHIVE: "sent"}
    for subject, end in ENDS.items():
        first, *others = find(started, message_id=sent[subject])
        assert ends(first) == {USER: end} | copied, subject
        redirected = [{OUTSIDE: "sent"} | copied] if "redirect" in subject else []
        assert [ends(message) for message in others] == redirected, subject
    (parted,) = find(started, message_id=sent["parted"])
    assert ends(parted) == {USER: "delivered", BEN: "discarded", COPY: "delivered"} | copied
    (forwarded,) = find(started, message_id=sent["forward"])
    assert ends(forwarded) == {FORWARDER: "delivered", OUTSIDE: "sent"} | copied
    assert [leg.kind for leg in forwarded.legs] == ["accepted", "forwarded"]
    notes = find(started, sender="<>")
    assert [ends(message) for message in notes] == [{SENDER: "sent"} | copied] * 2


def test_every_message_holds_its_lines_and_no_other(lab: tuple[SieveLab, dict[str, str]]) -> None:
    started, sent = lab
    by_id, by_session, named = defaultdict(list), defaultdict(list), defaultdict(list)
    for line in started.postfix.log.read_bytes().splitlines():
        found = own(line)
        if found is not None:
            by_id[found.queue_id.decode()].append(line)
            named[found.queue_id.decode()].append(session_named(found))
        elif (session := session_of(line)) is not None:
            by_session[session].append(line)
    messages = find(started)
    assert len(messages) == len(sent) + 4  # two redirects, an answer and a rejection
    assert sorted(q for message in messages for q in message.queue_ids) == sorted(by_id)
    for message in messages:
        lines = [line for q in message.queue_ids for line in by_id[q]]
        for session in filter(None, (s for q in message.queue_ids for s in named[q])):
            lines += by_session.pop(session)
        assert sorted(message.lines) == sorted(line.decode() for line in lines)
    assert not by_session


async def test_the_search_on_the_server_finds_the_same(
    lab: tuple[SieveLab, dict[str, str]],
) -> None:
    started, sent = lab
    runner = LocalRunner()
    try:
        for message_id in sent.values():
            criteria = TrackCriteria(message_id=message_id, lines=True)
            files = [str(started.postfix.log)]
            there = [m async for m in track_remote(runner, files, "postfix", criteria)]
            assert there == find(started, message_id=message_id) != []
    finally:
        await runner.close()
