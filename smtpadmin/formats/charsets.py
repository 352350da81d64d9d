"""Octets of a message as text, whatever charset they claim to be in. Never raises, linear in time.

>>> decode_text(b"caf\\xc3\\xa9", "no-such-charset")
'café'
"""

from __future__ import annotations

import codecs
import re

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,39}")
_NOT_OF_MAIL = {
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "raw_unicode_escape",
    "mbcs",
    "oem",
}
"""Codecs of Python that are no charsets; decoding ``idna`` takes quadratic time."""
_ALIASES = {
    "x-sjis": "shift_jis", "x-gbk": "gbk", "gb2312": "gb18030", "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949", "iso-8859-8-i": "iso-8859-8", "unicode-1-1-utf-7": "utf-7",
    "x-unknown": "utf-8", "unknown-8bit": "utf-8", "ansi_x3.4-1968": "ascii",
}  # fmt: skip
"""What mail programs call charsets, beyond the names that Python knows."""


def codec_of(charset: str) -> str | None:
    """The codec's name for a charset of mail; None for one that nobody knows."""
    name = charset.strip().strip("\"'").lower()
    if not _NAME.fullmatch(name):
        return None
    try:
        found = codecs.lookup(_ALIASES.get(name, name)).name
        b"aa".decode(found, "replace")
    except (LookupError, UnicodeError):
        return None
    return None if found.replace("-", "_") in _NOT_OF_MAIL else found


def decode_text(octets: bytes, charset: str = "") -> str:
    """The text: by its charset; what does not fit becomes ``\\xNN``. Without a charset, or with one
    that is unknown or plainly wrong, UTF-8 where valid, else Windows-1252."""
    codec = codec_of(charset) if charset else None
    for name in (None if codec == "ascii" else codec, "utf-8"):
        try:
            return octets.decode(name or "utf-8")
        except UnicodeDecodeError:
            continue
    fallback = "cp1252" if codec in (None, "ascii") else codec
    return octets.decode(fallback, "backslashreplace")
