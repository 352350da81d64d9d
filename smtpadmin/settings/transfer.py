"""Profiles as a file to share: JSON without any secret. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable

from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import Profile
from smtpadmin.settings.profile_record import UnreadableProfileError, profile_of, write_record

KIND = "smtpadmin profiles"
VERSION = 1


def export_profiles(profiles: Iterable[Profile]) -> str:
    """The file's text. A profile never holds a secret, so neither does the file."""
    values = [json.loads(write_record(profile, 0))["profile"] for profile in profiles]
    return json.dumps({"kind": KIND, "version": VERSION, "profiles": values}, indent=2) + "\n"


def import_profiles(text: str, where: str) -> list[Profile]:
    """The profiles in a file. Raises UsageError that names what does not fit."""
    try:
        file = json.loads(text)
    except ValueError as error:
        raise UsageError(f"this is not JSON ({error})", where=where) from error
    if not isinstance(file, dict) or file.get("kind") != KIND:
        raise UsageError("this is not a file of smtpadmin profiles", where=where)
    if file.get("version") != VERSION:
        raise UsageError("the file was written by a newer smtpadmin", where=where)
    try:
        return [profile_of(values) for values in file.get("profiles", [])]
    except UnreadableProfileError as error:
        raise UsageError(f"a profile does not fit: {error}", where=where) from error
