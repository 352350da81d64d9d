"""DKIM and ARC: signed here and changed on the way, and signatures as published."""

from __future__ import annotations

import base64
import subprocess
import time
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.services.signatures import check_signatures
from tests.support.zone_resolver import ZoneResolver

ARC = Path(__file__).parents[3] / "shared/corpora/arc-test-suite/arc-draft-sign-tests.yml"
MESSAGE = b"From: anna@d.example\r\nTo: b@e.example\r\nSubject: hello\r\nMessage-ID: <1@d.example>\r\n\r\nbody\r\n"


def make_key(bits: int = 2048) -> tuple[bytes, str]:
    """A private key (PEM) and its record."""
    key = rsa.generate_private_key(65537, bits)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem, "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()


KEY, RECORD = make_key()
ZONE: dict[str, Any] = {"s1._domainkey.d.example": [{"TXT": RECORD}]}


def signed(raw: bytes = MESSAGE, key: bytes = KEY, **more: Any) -> bytes:
    return bytes(dkim.sign(raw, b"s1", b"d.example", key, **more)) + raw


async def verdict(raw: bytes, zone: dict[str, Any] | None = None) -> tuple[str, str]:
    (found, *_), _ = await check_signatures(raw, ZoneResolver(ZONE if zone is None else zone))
    return found.result, found.reason


async def test_a_good_signature_and_its_facts() -> None:
    (found,), arc = await check_signatures(signed(), ZoneResolver(ZONE))
    assert (found.result, found.domain, found.selector, found.key_bits) == (
        "pass",
        "d.example",
        "s1",
        2048,
    )
    assert {"from", "subject"} <= set(found.signed)
    assert arc.result == "none"


async def test_what_changes_on_the_way_breaks_it() -> None:
    assert (await verdict(signed().replace(b"body", b"BODY")))[0] == "fail"
    assert (await verdict(signed().replace(b"Subject: hello", b"Subject: [list] hello")))[
        0
    ] == "fail"
    assert (await verdict(signed().replace(b"\r\n", b"\n")))[0] == "pass"


async def test_keys_that_are_not_there_silent_malformed_or_short() -> None:
    assert (await verdict(signed(), {}))[0] == "permerror"
    assert (await verdict(signed(), {"s1._domainkey.d.example": ["TIMEOUT"]}))[0] == "temperror"
    assert (await verdict(signed(), {"s1._domainkey.d.example": [{"TXT": "v=DKIM1; p=!!"}]}))[
        0
    ] == "permerror"
    assert (await verdict(signed(), {"s1._domainkey.d.example": [{"TXT": "v=DKIM1; p="}]}))[
        0
    ] == "permerror"


async def test_a_key_of_512_bits_does_not_count() -> None:
    made = subprocess.run(
        ["openssl", "genrsa", "-traditional", "512"], capture_output=True, check=True
    )
    key = serialization.load_pem_private_key(made.stdout, None)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = "v=DKIM1; p=" + base64.b64encode(public).decode()
    result, reason = await verdict(
        signed(key=made.stdout), {"s1._domainkey.d.example": [{"TXT": record}]}
    )
    assert result == "policy"
    assert "512" in reason


async def test_two_signatures_are_told_apart() -> None:
    other = {"s1._domainkey.d.example": [{"TXT": RECORD}], "s1._domainkey.x.example": []}
    twice = bytes(dkim.sign(signed(), b"s1", b"x.example", KEY)) + signed()
    found, _ = await check_signatures(twice, ZoneResolver(other))
    assert [(one.domain, one.result) for one in found] == [
        ("x.example", "permerror"),
        ("d.example", "pass"),
    ]


@pytest.mark.skipif(not ARC.exists(), reason="the ARC suite is not here")
async def test_chains_of_the_suite() -> None:
    """Signed with the suite's keys; its own signatures are printed with their tags sorted."""
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the suite")
    pytest.importorskip("authres", reason="dkimpy signs ARC with authres")
    counted = 0
    for scenario in yaml.safe_load_all(ARC.read_text("utf-8")):
        keys = {
            name: [{"TXT": text.replace("\n", "")}]
            for name, text in scenario["txt-records"].items()
        }
        for test in scenario["tests"].values():
            message = test["message"].replace("\n", "\r\n").encode()
            names = [name.encode() for name in test["sig-headers"].split(":")]
            fields = dkim.arc_sign(
                message, b"dummy", b"example.org", scenario["privatekey"].encode(), test["srv-id"].encode(),
                include_headers=names, timestamp=test["t"],
            )  # fmt: skip
            if not fields:
                continue
            raw = b"".join(fields) + message
            _, arc = await check_signatures(raw, ZoneResolver(keys))
            wanted = "fail" if b"cv=fail" in raw else "pass"
            assert arc.result == wanted, arc.reason
            assert arc.sealers[-1] == "example.org"
            _, arc = await check_signatures(
                raw.replace(b"Subject: ", b"Subject: x"), ZoneResolver(keys)
            )
            assert arc.result == "fail"
            silent = ZoneResolver({name: ["TIMEOUT"] for name in keys})
            _, arc = await check_signatures(raw, silent)
            assert arc.result != "pass"
            counted += 1
    assert counted >= 10


@pytest.mark.parametrize(
    "head",
    [b"DKIM-Signature: x\r\n", b"DKIM-Signature: s=a; d=b\r\n", b"DKIM-Signature: v=1; a=rsa-sha256; d=d.example; s=s1; h=from; bh=x; b=y\r\n",
     b"DKIM-Signature: v=1; " + b"h=from:" * 20_000 + b"\r\n", b"DKIM-Signature: s=..; d=/\r\n" * 200, b"ARC-Seal: i=99999999999999999999\r\n",
     b"ARC-Seal: i=1; s=a; d=b\r\n" * 60, b"DKIM-Signature: " + b"a=" * 300_000 + b"\r\n"],
)  # fmt: skip
async def test_hostile_signatures_end_in_time(head: bytes) -> None:
    started = time.process_time()
    found, arc = await check_signatures(head + MESSAGE, ZoneResolver(ZONE))
    assert time.process_time() - started < 4
    assert all(one.result in ("permerror", "fail", "temperror") for one in found)
    assert arc.result in ("none", "fail")


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.binary(max_size=60),
    st.integers(0, 600),
    st.sampled_from([b"DKIM-Signature:", b"ARC-Seal:", b""]),
)
async def test_any_damage_has_a_verdict(junk: bytes, place: int, name: bytes) -> None:
    raw = signed()
    await check_signatures(raw[:place] + name + junk + raw[place:], ZoneResolver(ZONE))
