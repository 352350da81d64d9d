"""Exim's records as messages: what a real server's log tells, and lines that are read in a special way."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from smtpadmin.model.tracking import TrackCriteria, TrackedMessage
from smtpadmin.tracking import search
from smtpadmin.tracking.exim_lines import DIALECT, own
from smtpadmin.tracking.log_text import open_text

SAMPLES = Path(__file__).parents[3] / "shared/lab/samples"


def messages(path: Path) -> list[TrackedMessage]:
    text = open_text([path])
    try:
        return search.find(text, DIALECT, TrackCriteria(lines=True))
    finally:
        text.close()


def test_every_line_of_an_id_of_a_real_log_is_in_one_message() -> None:
    path = SAMPLES / "exim-mainlog.log"
    if not path.exists():
        pytest.skip("the lab's samples are not here")
    told = Counter(line for m in messages(path) if m.queue_ids for line in m.lines)
    assert told == Counter(line.decode() for line in path.read_bytes().splitlines() if own(line))


def one(tmp_path: Path, *lines: str) -> dict[str, tuple[str, int]]:
    path = tmp_path / "mainlog"
    first = "<= s@x H=c [192.0.2.1] P=esmtpsa A=plain:bob S=9 for a@b"
    texts = (first, *lines)
    path.write_text("".join(f"2026-03-01 10:00:00 1rABcd-000DEF-99 {text}\n" for text in texts))
    (message,) = messages(path)
    assert message.sasl_username == "bob"
    return {r.address: (r.status.value, r.attempts) for r in message.recipients}


@pytest.mark.parametrize(
    ("lines", "ends"),
    [
        ([], {"a@b": ("queued", 0)}),
        (["== a@b R=r defer (-1): x", "== a@b R=r defer (-1): x"], {"a@b": ("deferred", 2)}),
        (["== a@b R=r defer (-1): x", "** a@b: retry timeout exceeded"], {"a@b": ("expired", 1)}),
        (["=> a <a@b> R=r T=t", "Completed"], {"a@b": ("delivered", 1)}),
        (["=> c@d <a@b> R=r T=t H=mx [192.0.2.1]"], {"c@d": ("sent", 1)}),
        (["=> /var/mail/a (a@b) <a@b> R=r T=t"], {"a@b": ("delivered", 1)}),
        (["=> :blackhole: <a@b> R=r"], {"a@b": ("discarded", 1)}),
        (["Frozen (delivery error message)"], {"a@b": ("held", 0)}),
        (["frozen by ACL", "Unfrozen by errmsg timer"], {"a@b": ("queued", 0)}),
        (["removed by root", "Completed"], {"a@b": ("discarded", 0)}),
        (["address <a@b> marked delivered by root", "Completed"], {"a@b": ("delivered", 0)}),
        (["Completed"], {"a@b": ("unknown", 0)}),
    ],
)
def test_what_became_of_a_recipient(
    tmp_path: Path, lines: list[str], ends: dict[str, tuple[str, int]]
) -> None:
    assert one(tmp_path, *lines) == ends
