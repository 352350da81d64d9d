"""PROXY headers, against the examples of the specification and its grammar."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.model.smtp_plan import ProxyPlan
from smtpadmin.protocol.proxy_header import MOST_V1, SIGNATURE, proxy_header

V4 = {"source": "192.168.0.1", "destination": "192.168.0.11", "source_port": 56324, "destination_port": 443}  # fmt: skip
V6 = {"source": "2001:db8::1", "destination": "2001:db8::2", "family": "AF_INET6"}


def test_none() -> None:
    assert proxy_header(ProxyPlan()) == b""


def test_version_1() -> None:
    assert proxy_header(ProxyPlan(1, **V4)) == b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"
    assert proxy_header(ProxyPlan(1, **V6)) == b"PROXY TCP6 2001:db8::1 2001:db8::2 0 0\r\n"
    assert proxy_header(ProxyPlan(1, family="AF_UNSPEC")) == b"PROXY UNKNOWN\r\n"
    assert proxy_header(ProxyPlan(1, raw="UNKNOWN odd words")) == b"PROXY UNKNOWN odd words\r\n"


def test_version_2_over_ipv4_octet_by_octet() -> None:
    header = proxy_header(ProxyPlan(2, **V4))
    assert header[:12] == SIGNATURE == bytes.fromhex("0d0a0d0a000d0a515549540a")
    assert header[12:].hex() == "2111000c" + "c0a80001" + "c0a8000b" + "dc04" + "01bb"


def test_version_2_other_families() -> None:
    header = proxy_header(ProxyPlan(2, **V6))
    assert (header[12:16].hex(), len(header)) == ("21210024", 16 + 36)
    local = proxy_header(ProxyPlan(2, command="LOCAL", family="AF_UNSPEC", transport="UNSPEC"))
    assert local == SIGNATURE + b"\x20\x00\0\0"
    unix = proxy_header(ProxyPlan(2, family="AF_UNIX", source="/a", destination="/b"))
    assert (unix[13], len(unix)) == (0x31, 16 + 216)
    udp = proxy_header(ProxyPlan(2, transport="DGRAM", **V4))
    assert udp[13] == 0x12
    raw = base64.b64encode(b"\0raw").decode()
    assert proxy_header(ProxyPlan(2, raw=raw)) == b"\0raw"
    assert proxy_header(ProxyPlan(1, raw=f"base64:{raw}")) == b"\0raw"


@pytest.mark.parametrize(
    "plan",
    [
        ProxyPlan(3),
        ProxyPlan(1, source="mx.example", destination="192.0.2.1"),
        ProxyPlan(1, source="::1", destination="::1"),
        ProxyPlan(1, family="AF_UNIX"),
        ProxyPlan(1, command="LOCAL", **V4),
        ProxyPlan(1, family="IPX"),
        ProxyPlan(1, raw="TCP4\r\nQUIT"),
        ProxyPlan(2, raw="not base64!"),
        ProxyPlan(2, source="192.0.2.1", destination="::1"),
        ProxyPlan(2, source="192.0.2.1", destination="192.0.2.1", source_port=70_000),
        ProxyPlan(2, family="AF_UNIX", source="x" * 109, destination="/b"),
        ProxyPlan(2, command="HELLO", **V4),
    ],
)
def test_what_makes_no_header(plan: ProxyPlan) -> None:
    with pytest.raises(UsageError):
        proxy_header(plan)


@given(st.ip_addresses(v=4), st.ip_addresses(v=4), st.integers(0, 65535), st.integers(0, 65535))
def test_a_header_of_version_1_fits_its_limit(a: object, b: object, c: int, d: int) -> None:
    header = proxy_header(ProxyPlan(1, source=str(a), destination=str(b), source_port=c, destination_port=d))  # fmt: skip
    assert len(header) <= MOST_V1
    assert header.decode().split() == ["PROXY", "TCP4", str(a), str(b), str(c), str(d)]


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 3), st.text(max_size=20))
def test_whatever_is_typed_is_a_header_or_a_usage_error(a: str, b: str, v: int, raw: str) -> None:
    try:
        header = proxy_header(ProxyPlan(v, source=a, destination=b, raw=raw))
    except UsageError:
        return
    assert b"\n" not in header[:-2] or v == 2 or raw.startswith("base64:")
