"""Where the log is, and reading it; rotation and compression for real: test_postfix.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from smtpadmin.connectors._postfix_commands import PostfixCommands
from smtpadmin.connectors._postfix_log import USUAL_FILES, LogPlace, PostfixLog
from smtpadmin.model.errors import NotPermittedError, ProtocolError, ServerRefusedError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.profile import Profile
from smtpadmin.transport.scripted import Answer, ScriptedRunner

FILE = "/var/log/mail.log"
FRESH = ("find", *USUAL_FILES, "-maxdepth", "0", "-type", "f", "-mtime", "-2")
REFUSED = Answer(stderr=b"cat: /var/log/mail.log: Permission denied\n", status=1)
Answers = dict[tuple[str, ...], Answer | list[Answer]]


def made(answers: Answers, maillog_file: str = "", instance: str = "") -> PostfixLog:
    settings = f"mail_version = 3.7.11\nmaillog_file = {maillog_file}\n".encode()
    runner = ScriptedRunner(
        {("postconf", "..."): Answer(settings), ("date", "+%z"): Answer(b"+0100\n"), **answers}
    )
    profile = Profile("u", "mx1", "postfix", settings={"instance": instance})
    return PostfixLog(PostfixCommands(runner, profile), lambda place: f"Add a line for {place}.")


async def records(stream: AsyncIterator[Sequence[LogRecord]]) -> list[LogRecord]:
    return [record async for batch in stream for record in batch]


async def test_maillog_file_comes_first() -> None:
    log = made({("cat", "--", "/srv/mail.log"): Answer(b"x\n")}, "/srv/mail.log")
    assert await log.place() == LogPlace("file", "/srv/mail.log")
    assert str(await log.place()) == "/srv/mail.log"


async def test_a_container_writes_to_standard_output() -> None:
    log = made({}, "/dev/stdout")
    assert (await log.place()).kind == "stdout"
    with pytest.raises(ServerRefusedError, match="docker logs"):
        await records(log.read())


async def test_the_usual_files_in_order() -> None:
    log = made({
        FRESH: Answer(b"/var/log/maillog\n", b"find: '/var/log/mail.log': No such file\n", 1),
        ("cat", "--", "/var/log/maillog"): Answer(b""),
    })  # fmt: skip
    assert (await log.place()).path == "/var/log/maillog"


async def test_a_file_that_nobody_writes_to_comes_behind_the_journal() -> None:
    stale: Answers = {
        FRESH: Answer(), FRESH[:-2]: Answer(b"/var/log/mail.log\n"), ("cat", "--", FILE): Answer(b""),
    }  # fmt: skip
    log = made({**stale, (*MAIN, "-n", "1"): Answer(ENTRY)})
    assert (await log.place()).kind == "journal"
    assert (await made(stale).place()).path == FILE


async def test_a_file_that_only_sudo_reads() -> None:
    log = made({("cat", "--", FILE): [REFUSED, Answer(b"x\n")]}, FILE)
    assert await log.place() == LogPlace("file", FILE, privileged=True)


async def test_a_file_that_may_not_be_read_names_the_remedy() -> None:
    log = made({("cat", "--", FILE): REFUSED}, FILE)
    assert not (await log.place()).readable
    for stream in (log.read(), log.follow()):
        with pytest.raises(NotPermittedError, match=f"Add a line for {FILE}"):
            await records(stream)


ENTRY = (
    b'{"__REALTIME_TIMESTAMP":"1795445581000000","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":'
    b'"postfix/qmgr","_PID":"9","PRIORITY":"6","MESSAGE":"A1B2C3D4E5: removed"}\n'
)
"""Written by hand after systemd.journal-fields(7) and Postfix's own text."""

JOURNAL = ("journalctl", "--no-pager", "-q", "-o", "json")
MAIN = (*JOURNAL, "-u", "postfix.service", "-u", "postfix@-.service")
NO_FILES: Answers = {("find", "..."): Answer(status=1)}


async def test_the_journal_last() -> None:
    since = datetime.fromtimestamp(1_795_445_000, UTC)
    log = made({
        **NO_FILES, (*MAIN, "-n", "1"): Answer(ENTRY),
        (*MAIN, "--since", "@1795445000"): Answer(ENTRY * 2),
        (*MAIN, "-f", "-n", "0"): Answer(ENTRY),
    })  # fmt: skip
    assert str(await log.place()) == "journal (postfix.service, postfix@-.service)"
    found = await records(log.read(since))
    assert [(r.queue_id, r.event, r.host) for r in found] == [("A1B2C3D4E5", "removed", "mx1")] * 2
    assert found[0].time == datetime.fromtimestamp(1_795_445_581, UTC)
    assert len(await records(log.follow())) == 1


async def test_the_journal_of_another_instance() -> None:
    unit = (*JOURNAL, "-u", "postfix@postfix-out.service")
    log = made({**NO_FILES, (*unit, "-n", "1"): Answer(ENTRY)}, instance="/etc/postfix-out")
    assert (await log.place()).units == ("postfix@postfix-out.service",)


async def test_no_log_at_all() -> None:
    log = made(NO_FILES)
    assert str(await log.place()) == "not found"
    with pytest.raises(ServerRefusedError, match="maillog_file"):
        await records(log.read())


def syslog(stamp: str, queue_id: str) -> bytes:
    return f"{stamp} mx1 postfix/qmgr[9]: {queue_id}: removed\n".encode()


NOW = int(datetime(2027, 1, 1, 12, tzinfo=UTC).timestamp())
FILES = {
    f"{FILE}.2.gz": (NOW - 172_800, ("gzip", "-cd"), syslog("Dec 30 10:00:00", "A1B2C3D1")),
    f"{FILE}.1": (NOW - 86_400, ("cat",), syslog("Dec 31 10:00:00", "A1B2C3D2") + b" continued\n"),
    f"{FILE}-20261201.xz": (NOW - 2_000_000, ("xz", "-cd"), syslog("Dec  1 10:00:00", "A1B2C3D0")),
    FILE: (NOW, ("cat",), syslog("Jan  1 10:00:00", "A1B2C3D3") + syslog("Jan  1 12:30:00", "A1B2C3D4")),
}  # fmt: skip


def with_files() -> PostfixLog:
    listing = "".join(f"{changed} {path}\n" for path, (changed, _, _) in FILES.items())
    listing += f"{NOW} /var/log/mail.logger\n{NOW} /var/log/mail.log.d/x\n"
    answers: Answers = {("find", "/var/log", "..."): Answer(listing.encode())}
    for path, (_, command, text) in FILES.items():
        answers[(*command, "--", path)] = Answer(text)
    return made(answers, FILE)


async def test_files_are_read_by_age_and_the_year_turns() -> None:
    found = await records(with_files().read())
    assert [r.queue_id for r in found if r.queue_id] == [f"A1B2C3D{n}" for n in range(5)]
    times = [r.time for r in found if r.time]
    assert times == sorted(times)
    assert [t.year for t in times] == [2026, 2026, 2026, 2027, 2027]
    assert times[0].utcoffset() == timedelta(hours=1), "the server's zone"
    assert {r.file for r in found} == set(FILES)
    assert [r.line for r in found if r.file == FILE] == [1, 2]


async def test_a_time_range_and_lines_without_a_time() -> None:
    since = datetime(2026, 12, 31, 0, tzinfo=UTC)
    until = datetime(2027, 1, 1, 10, tzinfo=UTC)
    found = await records(with_files().read(since, until))
    assert [r.queue_id or r.raw for r in found] == ["A1B2C3D2", " continued", "A1B2C3D3"]


async def test_a_log_followed_for_months_has_the_year_of_today(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return now

    lines = [
        f"{day} 12:00:00 mx1 postfix/qmgr[9]: A1: removed\n".encode()
        for day in ("Nov 25", "Feb 22")
    ]
    tail = ("tail", "-n", "0", "-F", "--", FILE)
    log = made({("cat", "--", FILE): Answer(b"x\n"), tail: Answer(tuple(lines))}, FILE)
    monkeypatch.setattr("smtpadmin.connectors._postfix_log.datetime", Clock)
    years: list[int] = []
    async for batch in log.follow():
        years += [record.time.year for record in batch if record.time]
        now += timedelta(days=89)
    assert years == [2026, 2027]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(b"half a line", status=-9), ProtocolError),
        (Answer(stderr=b"cat: /var/log/mail.log: No such file or directory\n", status=1), ServerRefusedError),
    ],
)  # fmt: skip
async def test_reading_that_breaks_off_says_so(answer: Answer, kind: type[Exception]) -> None:
    log = made({("cat", "--", FILE): [Answer(b"x\n"), answer], ("find", "..."): Answer()}, FILE)
    with pytest.raises(kind):
        await records(log.read())


async def test_a_line_without_end_comes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtpadmin.connectors._postfix_log.MOST_LINE", 1_000)
    long = Answer(tuple(b"x" * 700 for _ in range(6)))
    log = made({("cat", "--", FILE): [Answer(b"x\n"), long], ("find", "..."): Answer()}, FILE)
    found = await records(log.read())
    assert sum(len(r.raw) for r in found) == 4_200
    assert len(found) > 1
