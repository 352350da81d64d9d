"""The journal: on disk, newest first, a cut line survived; copies with their envelope."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.model.activity import Activity
from smtpadmin.model.errors import StorageError
from smtpadmin.model.queue import StoredMessage
from smtpadmin.settings.journal import Journal

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def activity(number: int) -> Activity:
    return Activity(
        f"id{number}", T0, "mx1", "delete", ("Q1",), ("cmd",), 1, 0, "1 ok, 0 failed", ("/c.eml",)
    )


def test_newest_first_and_a_cut_last_line_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    assert journal.read() == []
    for number in range(3):
        journal.write(activity(number))
    with journal.path.open("a") as file:
        file.write('{"id": "half')
    assert [a.id for a in journal.read()] == ["id2", "id1", "id0"]
    assert journal.read(most=1) == [activity(2)]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(st.binary(max_size=500), st.lists(st.emails(), max_size=4), st.text(max_size=40))
def test_a_copy_is_read_as_it_was_kept(
    tmp_path: Path, raw: bytes, recipients: list[str], queue_id: str
) -> None:
    journal = Journal(tmp_path / "j")
    message = StoredMessage(queue_id, "a@b.example", tuple(recipients), raw, T0)
    path = journal.keep_copy(message, "mx1/../..")
    assert Path(path).resolve().is_relative_to((tmp_path / "j").resolve())
    assert journal.load_copy(path) == message


def test_a_lost_copy_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="kept copy cannot be read"):
        Journal(tmp_path).load_copy(str(tmp_path / "gone.eml"))


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="nothing was changed on the server"):
        Journal(tmp_path / "file" / "j").write(activity(1))
