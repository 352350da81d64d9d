"""Rspamd's scans as messages, and a history that the lab's Rspamd answered."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from smtpadmin.formats.rspamd_tracking import find
from smtpadmin.model.status import DeliveryStatus as S
from smtpadmin.model.tracking import Client, TrackCriteria
from smtpadmin.tracking.files import FORMATS, read_records
from tests.support.log_writers import parsed

SAMPLE = Path(__file__).resolve().parents[3] / "shared/lab/samples/rspamd-history.json"
ROW = {
    "unix_time": 1_795_447_006, "action": "reject", "score": 16.5, "required_score": 15,
    "sender_smtp": "a@example.org", "rcpt_smtp": ["b@c.example", "d@c.example"], "subject": "Hi",
    "message-id": "x@y", "ip": "192.0.2.7", "user": "unknown", "size": 9,
}  # fmt: skip


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("no action", S.UNKNOWN),
        ("greylist", S.DEFERRED),
        ("soft reject", S.DEFERRED),
        ("add header", S.FILTERED),
        ("rewrite subject", S.FILTERED),
        ("reject", S.REJECTED),
        ("quarantine", S.QUARANTINED),
        ("discard", S.DISCARDED),
    ],
)
@pytest.mark.parametrize("to", [["b@c.example"], []])
def test_what_a_scan_decided(action: str, status: S, to: list[str]) -> None:
    line = json.dumps(ROW | {"action": action, "rcpt_smtp": to})
    (found,) = find(parsed("rspamd", [line]), TrackCriteria(lines=True))
    assert (found.status, found.lines, found.queue_ids) == (status, (line,), ())
    assert (found.message_id, found.subject, found.size) == ("<x@y>", "Hi", 9)
    assert (found.client, found.sasl_username) == (Client(None, "192.0.2.7"), None)
    assert [r.address for r in found.recipients] == to


def test_scans_of_one_message_id_are_not_joined() -> None:
    line = json.dumps(ROW)
    assert len(list(find(parsed("rspamd", [line, line]), TrackCriteria()))) == 2


def test_a_whole_answer_is_one_message_for_each_row() -> None:
    answer = json.dumps({"version": 2, "rows": [ROW, ROW | {"action": "greylist"}]})
    found = list(find(parsed("rspamd", [answer, "no row"]), TrackCriteria(lines=True)))
    assert [message.status for message in found] == [S.REJECTED, S.DEFERRED]
    assert all(len(message.lines) == 1 for message in found)


@pytest.mark.skipif(not SAMPLE.exists(), reason="the lab's samples are not here")
def test_what_the_lab_answered() -> None:
    rows = json.loads(SAMPLE.read_text("utf-8"))["rows"]
    found = list(find(read_records([SAMPLE], FORMATS["rspamd"]), TrackCriteria()))
    assert Counter(message.status for message in found) == {
        S.DEFERRED: sum(row["action"] == "soft reject" for row in rows),
        S.REJECTED: sum(row["action"] == "reject" for row in rows),
        S.UNKNOWN: sum(row["action"] == "no action" for row in rows),
    }
