"""Links that show another host than they lead to."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.html_links import MOST_LINKS, links, misleading_links


@pytest.mark.parametrize(
    ("html", "misleads"),
    [
        ('<a href="https://evil.example/x">www.bank.example</a>', True),
        ("<A class=x HREF='http://evil.example'>https://<b>bank</b>.example/login</A>", True),
        ("<a href=https://bank.example.evil.example>bank.example</a>", True),
        ('<a href="https://bank.example@evil.example/">bank.example</a>', True),
        ('<a href="https://click.bank.example/x">bank.example</a>', False),
        ('<a href="https://www.bank.example/">Bank.Example</a>', False),
        ('<a href="https://tracker.example/x">click here</a>', False),
        ('<a href="mailto:a@bank.example">bank.example</a>', False),
        ('<abbr title="x" href="https://evil.example">bank.example</abbr>', False),
        ("<a name=x>bank.example</a>", False),
    ],
)
def test_what_misleads(html: str, misleads: bool) -> None:
    assert bool(misleading_links(html)) is misleads


def test_entities_and_tags_are_taken_out() -> None:
    assert list(links('<a href="https://x.example/?a&amp;b"> <i>t&#101;xt</i> </a>')) == [
        ("https://x.example/?a&b", "text")
    ]


@pytest.mark.parametrize(
    "piece", ["<a ", "<a href=", '<a href="', "<a href=x>", "<", "<a href=x>y</a"]
)
def test_hostile_text_takes_no_time(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    started = time.perf_counter()
    assert len(list(links(text))) <= MOST_LINKS
    assert time.perf_counter() - started < 2


@given(st.text(st.sampled_from("<a >href='\"=/x.İ&#;"), max_size=80))
def test_any_text_is_survived(text: str) -> None:
    assert isinstance(misleading_links(text), list)
