"""The table has a word for each of our values, and each word is swaks' own."""

from __future__ import annotations

from pathlib import Path

from smtpadmin.formats import swaks_words as words
from smtpadmin.model.smtp_plan import StopPoint, TlsUse
from tests.support.programs import needed


def test_every_stop_point_and_every_kind_of_tls_has_a_word() -> None:
    assert set(words.STOPS) == set(StopPoint)
    assert set(words.TLS) == set(TlsUse) - {TlsUse.NONE}
    assert all(alias == alias.upper() for alias in words.STOP_ALIASES)


def test_every_word_is_in_swaks_own_source() -> None:
    source = Path(needed("swaks")).read_text("utf-8", "replace")
    options = [*words.FLAGS.values(), *words.TLS.values(), *words.PROXY.values()]
    options += [*words.TLS_VALUES.values(), *words.XCLIENT]
    assert [option for option in options if option.lstrip("-") not in source] == []
