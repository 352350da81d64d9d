"""``smtpadmin queue`` on a real Postfix, and on saved listings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from smtpadmin.cli.queue import parse
from tests.cli.test_end_to_end import QUEUE_FIELDS, Cli
from tests.servers.postfix import PostfixInstance, running_postfix

LINE = (
    '{"queue_name": "hold", "queue_id": "1736261560", "arrival_time": 1795445581, "message_size": 9,'
    ' "forced_expire": true, "sender": "MAILER-DAEMON", "recipients": [{"address": "b@y.org"}]}'
)
OLD = "A1B2C3D4E5!   1902 Wed Aug 26 11:20:31  MAILER-DAEMON\n    b@y.org\n\n"


def parsed(
    folder: Path, text: str | bytes, *options: str
) -> tuple[int, list[dict[str, object]], str]:
    file = folder / "listing"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    done = CliRunner().invoke(parse, [str(file), "--json", *options], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, [json.loads(x) for x in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize("option", [(), ("--format", "postqueue-j")])
def test_parse_a_listing(tmp_path: Path, option: tuple[str, ...]) -> None:
    code, (entry,), problem = parsed(tmp_path, LINE + "\n", *option)
    assert (code, problem) == (0, "smtpadmin: 1 messages\n" if problem else "")
    assert entry.keys() >= QUEUE_FIELDS
    assert (entry["queue_id"], entry["queue"], entry["sender"]) == ("1736261560", "hold", "")
    assert entry["arrived"] == "2026-11-23T14:53:01+00:00"
    assert entry["flags"] == ["forced-expire"]
    assert entry["recipients"] == [{"address": "b@y.org", "reason": None, "delivered": False}]


def test_parse_an_empty_queue_a_cut_one_and_an_error(tmp_path: Path) -> None:
    assert parsed(tmp_path, "Mail queue is empty\n")[:2] == (0, [])
    assert parsed(tmp_path, "", "--format", "postqueue-j")[:2] == (0, [])
    code, entries, problem = parsed(tmp_path, f"{LINE}\n{LINE[:50]}")
    assert (code, len(entries)) == (5, 1)
    assert "line 2 is cut or damaged" in problem
    code, entries, problem = parsed(tmp_path, OLD + "-- 9 Kbytes in 3 Requests.\r\n")
    assert (code, len(entries)) == (5, 1)
    assert "1 of 3 messages" in problem
    fatal = "postqueue: fatal: open /etc/postfix/main.cf: No such file or directory\n"
    for option in ((), ("--format", "postqueue-j")):
        code, entries, problem = parsed(tmp_path, fatal, *option)
        assert (code, entries) == (1, [])
        assert "No such file or directory" in problem


def test_parse_names_the_formats_that_it_knows(tmp_path: Path) -> None:
    for text, option in ((b"\xff\0", ()), (LINE.encode(), ("--format", "nosuch"))):
        with pytest.raises(Exception, match="postqueue-j, mailq"):
            parsed(tmp_path, text, *option)


@pytest.fixture(scope="module")
def server() -> Iterator[PostfixInstance]:
    with running_postfix() as lab:
        yield lab.short


@pytest.mark.live
def test_a_real_queue_from_the_command_line(server: PostfixInstance, tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    code, _, problem = cli(
        "servers", "add", "mx1", "--kind", "postfix", "--set", "access=local",
        "--set", f"instance={server.etc}", "--environment", "test", "--safety", "free", "--json",
    )  # fmt: skip
    assert code == 0, problem
    first, second = (server.send(f"u{n}@down.test", sender="") for n in range(2))
    server.wait_for("deferred", first, second)
    code, entries, problem = cli("queue", "list", "--server", "mx1", "--json")
    assert (code, sorted(str(e["queue_id"]) for e in entries)) == (0, sorted((first, second))), (
        problem
    )
    assert all(e["sender"] == "" and e["server"] == "mx1" for e in entries)
    code, (shown,), _ = cli("queue", "show", "--server", "mx1", first, "--json")
    assert code == 0
    assert "Subject: hello" in str(shown["raw"])
    code, results, _ = cli(
        "queue", "hold", "--server", "mx1", "--filter", "to:u0@down.test", "--json"
    )
    assert (code, [r["queue_id"] for r in results]) == (0, [first])
    assert server.ids("hold") == [first]
    code, results, problem = cli(
        "queue", "delete", "--server", "mx1", first, "0123456789", "--yes", "--json"
    )
    assert code == 5, problem
    assert {r["queue_id"]: r["ok"] for r in results} == {first: True, "0123456789": False}
    assert server.ids() == [second]
    code, records, _ = cli("logs", "--server", "mx1", "--filter", "event:removed", "--json")
    assert code == 0
    assert first in {r["queue_id"] for r in records}


@pytest.mark.live
@pytest.mark.parametrize("action", ["hold", "delete", "show"])
def test_what_a_plain_account_may_not_is_status_4_with_its_remedy(
    server: PostfixInstance, tmp_path: Path, action: str
) -> None:
    server.empty()
    cli = Cli(tmp_path)
    plain = "setpriv --reuid=nobody --regid=nogroup --clear-groups"
    code, _, problem = cli(
        "servers", "add", "mx1", "--kind", "postfix", "--set", "access=local", "--prefix", plain,
        "--set", f"instance={server.etc}", "--environment", "test", "--safety", "free", "--json",
    )  # fmt: skip
    assert code == 0, problem
    ids = [server.send("x@hold.test"), server.send("y@down.test")]
    server.wait_for("deferred", ids[1])
    options = [ids[1]] if action == "show" else [ids[1], "--yes"]
    code, results, problem = cli("queue", action, "--server", "mx1", *options, "--json")
    assert code == 4, (results, problem)
    assert "NOPASSWD: /usr/sbin/post" in problem
    assert not any(result["ok"] for result in results)
    assert sorted(server.ids()) == sorted(ids)
    assert cli("queue", "retry", "--server", "mx1", ids[1], "--json")[0] == 0
