from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.postfix_postcat import NotAQueueFileError, external, parse_queue_file
from smtpadmin.model.queue import StoredMessage

SAMPLE = Path(__file__).parents[3] / "shared/lab/samples/postfix-postcat.txt"
PATH = "active/4jZTPp2myczJ9Sv"
HEAD = f"""\
*** ENVELOPE RECORDS {PATH} ***
message_size:             390             786               3               0             390               0
message_arrival_time: Wed Nov 25 18:54:54 2026
create_time: Wed Nov 25 18:54:54 2026
named_attribute: log_ident=4jZTPp2myczJ9Sv
sender: anna@lab.test
named_attribute: client_name=localhost
named_attribute: client_address=127.0.0.1
named_attribute: dsn_orig_rcpt=rfc822;z@tempfail.test
original_recipient: staff@lab.test
recipient: z@tempfail.test
named_attribute: dsn_orig_rcpt=rfc822;ben@lab.test
original_recipient: ben@lab.test
done_recipient: ben@lab.test
recipient: q = x@slow.test
*** MESSAGE CONTENTS {PATH} ***
"""
TAIL = f"*** HEADER EXTRACTED {PATH} ***\n*** MESSAGE FILE END {PATH} ***\n"


def printed(message: bytes, head: str = HEAD) -> bytes:
    return head.encode() + message + TAIL.encode()


def test_envelope_and_message() -> None:
    file = parse_queue_file(printed(b"Subject: x\n\nbody\n"))
    assert (file.queue, file.queue_id, file.sender) == (
        "active",
        "4jZTPp2myczJ9Sv",
        "anna@lab.test",
    )
    assert file.recipients == ("z@tempfail.test", '"q = x"@slow.test')
    assert file.done == ("ben@lab.test",)
    assert file.original == {"z@tempfail.test": "staff@lab.test"}
    assert file.attributes["client_address"] == "127.0.0.1"
    assert (file.size, file.created) == (390, "Wed Nov 25 18:54:54 2026")
    assert file.stored() == StoredMessage(
        "4jZTPp2myczJ9Sv", "anna@lab.test", file.recipients, b"Subject: x\n\nbody\n"
    )


def test_the_null_sender() -> None:
    assert parse_queue_file(printed(b"", HEAD.replace(" anna@lab.test", " "))).sender == ""


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"no line end",
        TAIL.encode(),
        b"x\n" + TAIL.encode() + b"recipient: evil@example.org\n",
        b"*** MESSAGE CONTENTS active/4jZTPp2myczJ9Sv ***\nsender: x@example.org\n",
        b"\xff\0\r\n\r",
    ],
)
def test_a_message_that_looks_like_the_marks_stays_whole(message: bytes) -> None:
    file = parse_queue_file(printed(message))
    assert file.raw == message
    assert file.recipients == ("z@tempfail.test", '"q = x"@slow.test')
    assert file.sender == "anna@lab.test"


@pytest.mark.parametrize(
    ("internal", "address"),
    [
        ("", ""),
        ("root", "root"),
        ("a.b+c=d@x.org", "a.b+c=d@x.org"),
        ("jürgen@x.org", "jürgen@x.org"),
        ("john doe@x.org", '"john doe"@x.org'),
        ('a"b\\c@x.org', '"a\\"b\\\\c"@x.org'),
        (".a@x.org", '".a"@x.org'),
        ("a@b@x.org", '"a@b"@x.org'),
        ("$(id)", '"$(id)"'),
    ],
)
def test_addresses_are_quoted_where_they_need_it(internal: str, address: str) -> None:
    assert external(internal) == address


@given(st.binary(max_size=300))
def test_any_message_comes_through(message: bytes) -> None:
    assert parse_queue_file(printed(message)).raw == message


@given(st.integers(0, len(printed(b"Subject: x\n\nbody\n")) - 30))
def test_one_that_breaks_off_is_no_message(length: int) -> None:
    with pytest.raises(NotAQueueFileError):
        parse_queue_file(printed(b"Subject: x\n\nbody\n")[:length])


def test_a_real_one() -> None:
    if not SAMPLE.exists():
        pytest.skip(f"{SAMPLE} is not there")
    text = SAMPLE.read_bytes()
    begin = text.index(b"*** ENVELOPE RECORDS hold/717E9226827")
    file = parse_queue_file(text[begin : text.index(b"--- rc=0", begin)])
    assert (file.queue, file.sender) == ("hold", "billing@lab.test")
    assert file.recipients == ("user122@hold.test",)
    assert file.raw.startswith(b"Received: from [127.0.0.1]")
    assert file.raw.endswith(b"line\n\n")
