from __future__ import annotations

from datetime import datetime

from smtpadmin.formats.builtin_queue import END, looks_like, parse

NOW = datetime.fromisoformat("2026-11-25T12:00:00+00:00")
LINE = b'{"queue_id":"K1","queue":"deferred","arrived":"2026-11-25T11:00:00+00:00","size":3,"sender":""}'


def test_a_whole_listing() -> None:
    told: list[str] = []
    (entry,) = parse([LINE, END, b""], NOW, told.append)
    assert (entry.queue_id, entry.size, told) == ("K1", 3, [])
    assert looks_like([LINE])


def test_one_that_breaks_off_says_so() -> None:
    told: list[str] = []
    assert len(list(parse([LINE, LINE[:40]], NOW, told.append))) == 1
    assert "line 2" in told[0]
    assert "breaks off" in told[1]
