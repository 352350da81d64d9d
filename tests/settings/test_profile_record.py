"""Profiles as entries: nothing is lost, foreign and broken entries are told."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode
from smtpadmin.settings.profile_record import UnreadableProfileError, read_record, write_record

texts = st.text(max_size=30)
profiles = st.builds(
    Profile, uuid=texts, name=texts, kind=texts, host=texts, port=st.none() | st.integers(1, 65535),
    user=texts, tls=st.sampled_from(TlsMode), environment=st.sampled_from(Environment),
    safety=st.sampled_from(SafetyLevel), prefix=texts, group=texts,
    settings=st.dictionaries(texts, texts, max_size=3).map(MappingProxyType),
    trust=st.dictionaries(texts, texts, max_size=2).map(MappingProxyType),
    extra=st.dictionaries(st.from_regex(r"new_[a-z]{3}", fullmatch=True), st.integers(), max_size=2).map(MappingProxyType),
)  # fmt: skip


@given(profiles, st.integers(0, 9_999))
def test_what_was_written_is_read(profile: Profile, revision: int) -> None:
    assert read_record(write_record(profile, revision)) == (profile, revision)


@given(st.text(max_size=80))
def test_anything_else_is_unreadable_and_nothing_worse(text: str) -> None:
    with pytest.raises(UnreadableProfileError):
        read_record(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"port": 70000}, "port"),
        ({"port": "25"}, "port"),
        ({"tls": "maybe"}, "maybe"),
        ({"name": 5}, "name"),
    ],
)
def test_a_field_that_does_not_fit_is_named(change: dict[str, object], words: str) -> None:
    entry = json.loads(write_record(Profile("u", "n", "smtp"), 1))
    entry["profile"] |= change
    with pytest.raises(UnreadableProfileError, match=words):
        read_record(json.dumps(entry))


def test_a_newer_version_is_told() -> None:
    entry = json.loads(write_record(Profile("u", "n", "smtp"), 1)) | {"version": 7}
    with pytest.raises(UnreadableProfileError, match="newer smtpadmin"):
        read_record(json.dumps(entry))
