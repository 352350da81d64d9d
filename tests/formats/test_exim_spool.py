from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.exim_spool import parse_header_file, parse_message_log
from smtpadmin.model.errors import ProtocolError

DATA = Path(__file__).parents[1] / "data/exim/4.97"
SAMPLES = Path(__file__).parents[3] / "shared/lab/samples"
WHOLE = (DATA / "header-file.txt").read_bytes()


def test_an_envelope() -> None:
    found = parse_header_file(WHOLE)
    assert (found.queue_id, found.sender) == ("1rABcd-00000001abC-2dEf", "carol@example.org")
    assert found.arrived == datetime.fromtimestamp(1_700_000_000, UTC)
    assert found.recipients == (
        "a@example.net",
        "b@example.net",
        '"a b"@example.net',
        "d@example.net",
    )
    assert set(found.done) == {"a@example.net", "b@example.net"}
    assert found.waiting == ('"a b"@example.net', "d@example.net")
    assert found.frozen
    assert found.login == "Debian-exim"
    assert found.options["helo_name"] == "client.example.org"


def test_the_message_is_without_deleted_header_lines_and_the_body_without_its_name() -> None:
    found = parse_header_file(WHOLE)
    assert [h.deleted for h in found.headers] == [False, True, False, False]
    message = found.message(b"1rABcd-00000001abC-2dEf-D\nbody\n.\n\xff\n")
    assert message.raw == (
        b"From: carol@example.org\nSubject: current\nX-Folded: a\n\tb\n\nbody\n.\n\xff\n"
    )
    assert message.recipients == found.waiting


def test_a_body_in_wire_format() -> None:
    found = parse_header_file(WHOLE.replace(b"-frozen", b"-spool_file_wireformat\n-frozen"))
    assert found.message(b"a\r\nb\r\n").raw.endswith(b"\n\na\nb\n")


def test_acl_variables_that_hold_line_ends() -> None:
    found = parse_header_file(WHOLE.replace(b"-frozen", b"-aclm _x 9\n-a\nXX\n-b\n\n-frozen"))
    assert found.frozen
    assert found.recipients[0] == "a@example.net"


def test_a_real_header_file() -> None:
    path = SAMPLES / "exim-actions.txt"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    part = path.read_bytes().partition(b"--- stdout\n")[2].partition(b"--- rc=0")[0]
    found = parse_header_file(part)
    assert found.waiting == ("b@down.test",)
    assert len(found.headers) == 9
    assert found.headers[-1].raw == b"MIME-Version: 1.0\n"


@pytest.mark.parametrize("end", range(0, len(WHOLE), 7))
def test_a_cut_file_is_told_unless_only_whole_header_lines_are_missing(end: int) -> None:
    try:
        found = parse_header_file(WHOLE[:end])
    except ProtocolError as error:
        told = error.what
    else:
        assert all(header.raw.endswith(b"\n") for header in found.headers)
        return
    assert "cannot be read" in told


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_a_typed_error(data: bytes) -> None:
    for text in (data, b"1rABcd-000DEF-99-H\nu 1 1\n<a@b>\n1 0\n" + data):
        try:
            parse_header_file(text)
        except ProtocolError:
            continue
    parse_message_log(data)


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc", "Z")), min_size=1), max_size=8),
       st.lists(st.binary(max_size=30), max_size=5))  # fmt: skip
def test_nothing_is_lost(addresses: list[str], headers: list[bytes]) -> None:
    text = f"1rABcd-000DEF-99-H\nu 1 1\n<>\n1 0\nXX\n{len(addresses)}\n"
    text += "".join(f"{address}\n" for address in addresses) + "\n"
    data = text.encode() + b"".join(b"%03dX " % len(h) + h for h in headers)
    found = parse_header_file(data)
    assert list(found.recipients) == addresses
    assert [h.raw for h in found.headers] == headers


def test_a_message_log_is_safe_to_show() -> None:
    assert parse_message_log(b"2026-11-23 frozen\n\x1b[2J\xff\n") == [
        "2026-11-23 frozen",
        "␛[2J\\xff",
    ]
