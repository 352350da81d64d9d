"""DMARC: alignment, policy, and the walk up the tree."""

from __future__ import annotations

from typing import Any

import pytest

from smtpadmin.model.authentication import DkimResult, SpfResult
from smtpadmin.services.dmarc import DmarcCheck
from tests.support.zone_resolver import ZoneResolver

ZONE: dict[str, Any] = {
    "_dmarc.d.example": [{"TXT": "v=DMARC1; p=reject; sp=quarantine; np=none"}],
    "_dmarc.strict.example": [{"TXT": "v=DMARC1; p=quarantine; adkim=s; aspf=s"}],
    "_dmarc.own.d.example": [{"TXT": "v=DMARC1; p=none; psd=n"}],
    "_dmarc.suffix.example": [{"TXT": "v=DMARC1; p=reject; psd=y"}],
    "_dmarc.two.example": [{"TXT": "v=DMARC1; p=reject"}, {"TXT": "v=DMARC1; p=none"}],
    "sub.d.example": [{"A": "192.0.2.1"}], "_dmarc.slow.example": ["TIMEOUT"],
}  # fmt: skip


def spf(domain: str, result: str = "pass") -> SpfResult:
    return SpfResult(result, domain, "mailfrom", "")


def dkim(domain: str, result: str = "pass") -> DkimResult:
    return DkimResult(result, domain, "s", "")


@pytest.mark.parametrize(
    ("author", "by_spf", "by_dkim", "result", "policy", "found_at"),
    [
        ("d.example", "d.example", "", "pass", "reject", "d.example"),
        ("d.example", "", "mail.d.example", "pass", "reject", "d.example"),
        ("d.example", "x.example", "y.example", "fail", "reject", "d.example"),
        ("sub.d.example", "d.example", "", "pass", "quarantine", "d.example"),
        ("gone.d.example", "x.example", "", "fail", "none", "d.example"),
        ("own.d.example", "d.example", "", "fail", "none", "own.d.example"),
        ("d.example", "own.d.example", "", "fail", "reject", "d.example"),
        ("strict.example", "m.strict.example", "", "fail", "quarantine", "strict.example"),
        ("strict.example", "", "strict.example", "pass", "quarantine", "strict.example"),
        ("a.suffix.example", "b.suffix.example", "", "fail", "reject", "suffix.example"),
        ("a.suffix.example", "x.a.suffix.example", "", "pass", "reject", "suffix.example"),
        ("none.example", "none.example", "", "none", "", ""),
        ("two.example", "two.example", "", "none", "", ""),
    ],
)  # fmt: skip
async def test_verdicts(
    author: str, by_spf: str, by_dkim: str, result: str, policy: str, found_at: str
) -> None:
    raw = f"From: Anna <anna@{author}>\n\nhi".encode()
    resolver = ZoneResolver(ZONE)
    found = await DmarcCheck(resolver).check(
        raw, spf(by_spf) if by_spf else None, [dkim(by_dkim)] if by_dkim else []
    )
    assert (found.result, found.policy, found.found_at) == (
        result,
        policy if result != "none" else "",
        found_at,
    ), found.reason
    assert resolver.asked < 30


@pytest.mark.parametrize(
    "head",
    [
        "",
        "From: nobody\n",
        "From: a@b.example, c@d.example\n",
        "From: a@b.example\nFrom: c@d.example\n",
    ],
)
async def test_not_one_author(head: str) -> None:
    found = await DmarcCheck(ZoneResolver(ZONE)).check(f"{head}\nhi".encode(), None, [])
    assert found.result == "permerror"


async def test_the_name_shown_is_no_author() -> None:
    raw = b'From: "boss@d.example" <x@evil.example>\n\nhi'
    assert (await DmarcCheck(ZoneResolver(ZONE)).check(raw, None, [])).domain == "evil.example"


async def test_what_is_not_known_is_no_failure() -> None:
    raw = b"From: a@slow.example\n\nhi"
    assert (await DmarcCheck(ZoneResolver(ZONE)).check(raw, None, [])).result == "temperror"
    raw = b"From: a@d.example\n\nhi"
    found = await DmarcCheck(ZoneResolver(ZONE)).check(raw, spf("d.example", "temperror"), [])
    assert found.result == "temperror"


async def test_a_name_of_a_hundred_labels_asks_eight_questions() -> None:
    resolver = ZoneResolver({})
    await DmarcCheck(resolver).check(b"From: a@" + b"x." * 100 + b"example\n\n", None, [])
    assert resolver.asked <= 20
