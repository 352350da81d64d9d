"""Received fields of many servers."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.header_fields import split_header
from smtpadmin.formats.received import parse_received, received_hops

STAMP = "; Mon, 2 Mar 2026 10:00:00 +0100 (CET)"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("from helo.example (rdns.example [192.0.2.1])\n\t(using TLSv1.3 with cipher X) by mx.example (Postfix) with ESMTPS id 4Xs7HQ for <b@mx.example>",
         ("helo.example", "rdns.example", "192.0.2.1", "mx.example", "ESMTPS", "4Xs7HQ", "b@mx.example", True)),
        ("from [203.0.113.7] (port=5912 helo=pc.example) by mx.example with esmtpsa (TLS1.3) (Exim 4.97) (envelope-from <a@x>) id 1rABcd-00000001abC-2dEf for b@mx.example",
         ("pc.example", "", "203.0.113.7", "mx.example", "esmtpsa", "1rABcd-00000001abC-2dEf", "b@mx.example", True)),
        ("from x (unknown [IPv6:2001:db8::1]) by mx.example with SMTP id 1",
         ("x", "", "2001:db8::1", "mx.example", "SMTP", "1", "", False)),
        ("(qmail 4711 invoked by uid 7)", ("", "", "", "", "", "", "", False)),
        ("by mx.example (Postfix, from userid 33) id A1B2C3", ("", "", "", "mx.example", "", "A1B2C3", "", False)),
    ],
)  # fmt: skip
def test_words(text: str, wanted: tuple[object, ...]) -> None:
    hop = parse_received(text + STAMP)
    assert (
        hop.sender,
        hop.client_name,
        hop.address,
        hop.by,
        hop.protocol,
        hop.queue_id,
        hop.recipient,
        hop.tls,
    ) == wanted
    assert hop.time == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_delays_in_the_order_of_travel() -> None:
    raw = (b"Received: by c; Mon, 2 Mar 2026 09:59:58 +0000\nReceived: by b; no time\n"
           b"Received: by a; Mon, 2 Mar 2026 10:00:10 -0000\nReceived: by o; Mon, 2 Mar 2026 11:00:00 +0100\n\n")  # fmt: skip
    assert [(hop.by, hop.delay) for hop in received_hops(split_header(raw)[0])] == [
        ("o", None), ("a", 10.0), ("b", None), ("c", -12.0),
    ]  # fmt: skip


@pytest.mark.parametrize("piece", ["from ", "by ", "(", "[", "id ", "for ", " ", "helo=", ";"])
def test_hostile_fields_end_in_time(piece: str) -> None:
    started = time.process_time()
    parse_received("from " + piece * 100_000)
    assert time.process_time() - started < 2


@given(st.text(max_size=120))
def test_any_text(text: str) -> None:
    parse_received(text)
    parse_received("from a by b; " + text)
