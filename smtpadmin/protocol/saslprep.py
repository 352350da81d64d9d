"""User names and passwords as SCRAM wants them: SASLprep, RFC 4013 (a profile of stringprep)."""

from __future__ import annotations

import stringprep
import unicodedata

from smtpadmin.model.errors import UsageError

_FORBIDDEN = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str, where: str) -> str:
    """Raises UsageError, which does not repeat the text: it may be a password."""
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(forbidden(c) for c in prepared for forbidden in _FORBIDDEN):
        raise UsageError("holds characters that SASLprep (RFC 4013) forbids", where=where)
    if any(map(stringprep.in_table_d1, prepared)):
        _check_direction(prepared, where)
    return prepared


def _check_direction(text: str, where: str) -> None:
    """RFC 3454 section 6."""
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    if any(map(stringprep.in_table_d2, text)) or not ends:
        raise UsageError("mixes directions of writing (RFC 3454 section 6)", where=where)
