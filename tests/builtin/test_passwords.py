"""A record fits its password alone, and does not show it."""

from __future__ import annotations

import pytest

from smtpadmin.builtin.passwords import NOBODY, make_record, verify


def test_a_record_fits_its_password_alone() -> None:
    record = make_record("pässword")
    assert verify(record, "pässword")
    assert not verify(record, "passwort")
    assert "ssword" not in record


def test_the_same_password_gives_another_record() -> None:
    assert make_record("x") != make_record("x")


@pytest.mark.parametrize("password", ["", "x", "\udcff"])
def test_nobody_has_no_password(password: str) -> None:
    assert not verify(NOBODY, password)


@pytest.mark.parametrize("record", ["", "md5$1$1$1$00$00", "scrypt$16384$8"])
def test_a_foreign_record_is_a_value_error(record: str) -> None:
    with pytest.raises(ValueError):
        verify(record, "x")
