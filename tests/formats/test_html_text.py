"""Words of HTML."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.formats.html_text import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<html><head><title>t</title></head><body>a<br>b</body>", "a\nb"),
        ("<p>one</p><p>two &amp; three&nbsp;x", "one\n\ntwo & three x"),
        ("a<!-- hidden > --><script>if (a<b) x()</script>b", "ab"),
        ("no end <b", "no end <b"),
        ("<script>never closed text", "never closed text"),
        ("1 < 2", "1 < 2"),
        ("<td>a</td><tr>b", "a\nb"),
    ],
)
def test_words(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "piece", ["<", "<script><!--<style>", "\n \t", "<p", "&", "&#", "<!--", "<br>"]
)
def test_hostile_html_ends_in_time(piece: str) -> None:
    started = time.process_time()
    html_to_text(piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 3


@given(st.text(alphabet="<>/!-pb&#;\n script", max_size=120))
def test_any_text(html: str) -> None:
    assert isinstance(html_to_text(html), str)
