from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.queue_listing import FORMATS, SNIFFED_LINES, detect

SAMPLES = Path(__file__).parents[3] / "shared/lab/samples"
NOW = datetime.fromisoformat("2026-11-25T12:00:00+00:00")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ([b'{"queue_name": "active", "queue_id": "1736261560", "recipients": []}'], "postqueue-j"),
        ([b"-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"], "mailq"),
        ([b"----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------"], "mailq"),
        ([b"A1B2C3D4E5!   1902 Wed Aug 26 11:20:31  MAILER-DAEMON"], "mailq"),
        ([b"Mail queue is empty"], "mailq"),
        ([b"postqueue: fatal: open /etc/postfix/main.cf: No such file or directory"], "mailq"),
        ([b'{"end":true}'], "builtin"),
        ([b" 0m 306 1rABcd-000DEF-99 <a@b.test>", b"          Mail queue is empty"], "exim-bp"),
        ([b"exim: permission denied"], "exim-bp"),
        ([b"/var/spool/mqueue is empty"], "sendmail"),
        ([b"smtpctl: need root privileges"], "smtpctl"),
        ([b"sudo: a password is required"], None),
        ([b"", b"   ", b"hello"], None),
        ([], None),
    ],
)
def test_a_listing_is_recognised(head: list[bytes], name: str | None) -> None:
    assert detect(head) == name


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        ("postfix-postqueue-j.jsonl", "postqueue-j"),
        ("postfix-postqueue-p.txt", "mailq"),
        ("exim-bp.txt", "exim-bp"),
        ("exim-bpr.txt", "exim-bp"),
        ("sendmail-mailq.txt", "sendmail"),
        ("opensmtpd-show-queue.txt", "smtpctl"),
    ],
)
def test_real_listings_are_recognised(sample: str, name: str) -> None:
    path = SAMPLES / sample
    if not path.exists():
        pytest.skip(f"{path} is not there")
    assert detect(path.read_bytes().split(b"\n")[:SNIFFED_LINES]) == name


@pytest.mark.parametrize("name", sorted(FORMATS))
@given(lines=st.lists(st.binary(max_size=200), max_size=20))
def test_no_parser_raises_whatever_it_reads(name: str, lines: list[bytes]) -> None:
    told: list[str] = []
    detect(lines)
    found = list(FORMATS[name].parse(lines, NOW, told.append))
    assert all(entry.queue_id for entry in found if name != "builtin")
    assert all(isinstance(sentence, str) for sentence in told)
