"""Events become whole lines of JSON, whatever they hold and whatever the disk does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.builtin import maillog
from smtpadmin.builtin.maillog import MailLog
from smtpadmin.formats.builtin_log import parse_line


def make_log(folder: Path, **options: object) -> MailLog:
    clock = lambda: datetime(2026, 3, 1, 12, 0, 0, 5_000, tzinfo=UTC)  # noqa: E731
    return MailLog(folder / "log" / "mail.log", "mail.example", clock=clock, **options)


def lines_of(log: MailLog) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.path.read_bytes().splitlines()]


def test_an_event_has_the_common_keys_and_its_own(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    log.write(
        "queued", queue_id="X1", message="hello", from_="a@b.example", message_id="<1@x>", no=None
    )
    log.close()
    (line,) = lines_of(log)
    assert line.pop("pid")
    assert line == {
        "time": "2026-03-01T12:00:00.005+00:00",
        "host": "mail.example",
        "level": "info",
        "event": "queued",
        "queue_id": "X1",
        "from": "a@b.example",
        "message-id": "<1@x>",
        "message": "hello",
    }


def test_lines_reach_the_file_at_flush_and_followers_at_once(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    heard: list[str] = []
    log.written.connect(lambda line: heard.append(line))
    log.write("start")
    assert json.loads(heard[0])["event"] == "start"
    assert log.path.read_bytes() == b""
    log.flush()
    assert log.path.read_text("utf-8") == heard[0] + "\n"
    log.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    text=st.text(st.characters(codec=None), max_size=200),
    items=st.lists(st.text(max_size=20), max_size=5),
)
def test_what_is_written_is_read_back(tmp_path: Path, text: str, items: list[str]) -> None:
    log = make_log(tmp_path)
    heard: list[str] = []
    log.written.connect(lambda line: heard.append(line))
    log.write("x", message=text, reply=text, to=items)
    log.close()
    record = parse_line(heard[0].encode())
    assert record.event == "x"
    assert record.fields["to"] == items
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert record.fields["reply"] == text
        assert record.message == (text or "x")
    log.path.unlink()


def test_octets_that_are_no_utf8_become_visible(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    log.write("x", reply=b"caf\xe9 \n".decode("utf-8", "surrogateescape") + "\ud800")
    log.close()
    assert lines_of(log)[0]["reply"] == "caf\\xe9 \n\\ud800"


def test_a_long_text_is_cut_with_a_note(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    log.write("x", message="m" * 5_000, to=["a" * 2_001])
    log.close()
    (line,) = lines_of(log)
    assert line["message"] == "m" * 2_000 + "… (3000 more characters)"
    assert line["to"] == ["a" * 2_000 + "… (1 more characters)"]


def test_half_a_line_of_a_killed_server_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "log" / "mail.log"
    path.parent.mkdir()
    path.write_bytes(b'{"time":"2026-03-01T12:0')
    log = make_log(tmp_path)
    log.write("start")
    log.close()
    broken, whole = path.read_bytes().splitlines()
    assert parse_line(broken).event == "other"
    assert parse_line(whole).event == "start"


class FullDisk:
    """A file that takes ``room`` octets and then fails, until more room is made."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.content = b""

    def write(self, octets: bytes) -> int:
        if not self.room:
            raise OSError(28, "No space left on device")
        taken = octets[: self.room]
        self.content += taken
        self.room -= len(taken)
        return len(taken)

    def tell(self) -> int:
        return len(self.content)

    def close(self) -> None:
        return None


def test_a_full_disk_loses_nothing_that_fits_in_memory(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    log._file.close()
    disk = FullDisk(room=50)
    log._file = disk  # type: ignore[assignment]
    for number in range(3):
        log.write("x", n=number)
    with pytest.raises(OSError, match="No space"):
        log.flush()
    log.write("x", n=3)
    with pytest.raises(OSError, match="No space"):
        log.flush()
    disk.room = 10_000
    log.close()
    assert [json.loads(line)["n"] for line in disk.content.splitlines()] == [0, 1, 2, 3]


@pytest.mark.expects_log
def test_a_disk_that_stays_full_does_not_stop_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = make_log(tmp_path)
    log._file.close()
    log._file = FullDisk(room=0)  # type: ignore[assignment]
    log.write("stop")
    log.close()
    assert "the last 1 lines of the log are lost" in caplog.text


def test_too_many_waiting_lines_lose_the_oldest_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maillog, "MOST_WAITING", 3)
    log = make_log(tmp_path)
    for number in range(5):
        log.write("x", n=number)
    log.flush()
    log.close()
    found = lines_of(log)
    assert [line.get("n") for line in found] == [2, 3, 4, None]
    assert found[-1]["event"] == "lost"
    assert found[-1]["lines"] == 2


def test_a_log_that_has_grown_is_rotated(tmp_path: Path) -> None:
    log = make_log(tmp_path, rotate_at=300, keep=2)
    for number in range(5):
        log.write("x", n=number, text="t" * 100)
        log.flush()
    log.close()
    assert {file.name for file in log.path.parent.iterdir()} == {
        "mail.log",
        "mail.log.1.gz",
        "mail.log.2.gz",
    }
    assert [line["n"] for line in lines_of(log)] == [4]


@pytest.mark.expects_log
def test_a_rotation_that_fails_lets_the_log_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = make_log(tmp_path, rotate_at=10)

    def refuse() -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(log._rotation, "rotate", refuse)
    log.write("x", n=1)
    log.flush()
    log.write("x", n=2)
    log.close()
    assert [line["n"] for line in lines_of(log)] == [1, 2]
    assert "cannot be rotated" in caplog.text
