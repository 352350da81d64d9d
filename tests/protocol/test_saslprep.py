"""The examples of RFC 4013 section 3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import UsageError
from smtpadmin.protocol.saslprep import saslprep


@pytest.mark.parametrize(
    ("given_text", "wanted"),
    [("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX"),
     ("a\u00a0b", "a b"), ("", "")],
)  # fmt: skip
def test_the_examples(given_text: str, wanted: str) -> None:
    assert saslprep(given_text, "x") == wanted


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "a\u0627b", "\ue000", "\ud800"])
def test_what_is_forbidden(text: str) -> None:
    with pytest.raises(UsageError) as found:
        saslprep(text, "the password")
    assert text not in str(found.value)


@given(st.text(max_size=30))
def test_prepared_once_is_prepared(text: str) -> None:
    try:
        once = saslprep(text, "x")
    except UsageError:
        return
    assert saslprep(once, "x") == once
