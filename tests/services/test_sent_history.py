"""The history is read as it was written; damage costs one line, not the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.model.errors import StorageError
from smtpadmin.model.smtp import (
    CertificateFacts,
    RecipientReply,
    Reply,
    SendResult,
    Stage,
    TlsFacts,
    TranscriptLine,
)
from smtpadmin.services.send_test import Sent, as_record
from smtpadmin.services.sent_history import read_history, result_from

RESULT = SendResult(
    "refused", Stage.RCPT, "<1@b.example>", "mx.example:25", Reply(550, "no\nsuch user", "5.1.1"),
    None, "192.0.2.1",
    TlsFacts("TLSv1.3", "X", chain=(CertificateFacts("CN=a", "CN=b", ("a",), problems=("old",)),)),
    {"connect": 1.5, "rcpt": 2.0}, (RecipientReply("c@d.example", Reply(550, "no")),),
    (TranscriptLine(0.5, "<", "220 x", False), TranscriptLine(1.0, ">", "EHLO", True)),
    "refused", "prdr", "",
)  # fmt: skip
SENT = Sent(datetime(2026, 11, 25, tzinfo=UTC), "a@b.example", ("c@d.example",), "test", RESULT)


def line(sent: Sent) -> bytes:
    values = {
        "time": sent.time.isoformat(), "sender": sent.sender, "recipients": sent.recipients,
        "subject": sent.subject, "result": as_record(sent.result),
    }  # fmt: skip
    return json.dumps(values).encode() + b"\n"


def test_all_of_a_result_comes_back() -> None:
    assert result_from(json.loads(json.dumps(as_record(RESULT)))) == RESULT


def test_the_newest_come_first_and_only_so_many(tmp_path: Path) -> None:
    path = tmp_path / "sent.jsonl"
    path.write_bytes(b"".join(line(replace(SENT, subject=str(n))) for n in range(30)))
    assert [sent.subject for sent in read_history(path, 3)] == ["29", "28", "27"]
    assert len(read_history(path)) == 30


def test_damage_costs_one_line(tmp_path: Path) -> None:
    path = tmp_path / "sent.jsonl"
    later = json.dumps({"time": "never", "result": {}}).encode()
    path.write_bytes(
        line(SENT)[10:] + b"\xff\xfe{\n[1]\n" + later + b"\n" + line(SENT) + line(SENT)[:40]
    )
    assert read_history(path) == [SENT]


def test_no_file_is_no_history_and_a_folder_is_an_error(tmp_path: Path) -> None:
    assert read_history(tmp_path / "nothing") == []
    with pytest.raises(StorageError):
        read_history(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_octets(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "any.jsonl"
    path.write_bytes(line(SENT) + octets + b"\n")
    assert read_history(path)[-1] == SENT
