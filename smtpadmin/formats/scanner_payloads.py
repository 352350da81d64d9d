"""Harmless test strings that scanners must find: GTUBE, GTphish, EICAR.

They are put together when they are needed. As literals they would stand in this file, in its byte
code and in the installer, and a scanner on the administrator's own machine would delete those.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

from smtpadmin.model.errors import UsageError

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Payload:
    """A line for the text, and a file to attach (name, octets)."""

    line: str = ""
    attachment: tuple[str, bytes] | None = None


NAMES = ("gtube", "gtphish", "eicar", "eicar-txt", "eicar-zip", "eicar-zip-zip")


def payload(name: str) -> Payload:
    """Raises UsageError for a name that is not known."""
    if name == "gtube":
        return Payload(line=_framed("GTUBE", "ANTI-UBE"))
    if name == "gtphish":
        return Payload(line=_framed("GTPHISH", "ANTI-PHISH"))
    if name not in NAMES:
        raise UsageError(f"{name!r} is no scanner test", remedy=f"Use {', '.join(NAMES)}.")
    return Payload(attachment=_file(name))


def _file(name: str) -> tuple[str, bytes]:
    if name == "eicar-txt":
        return "eicar.txt", _eicar()
    if name == "eicar":
        return "eicar.com", _eicar()
    once = _zipped("eicar.com", _eicar())
    return (
        ("eicar.zip", once) if name == "eicar-zip" else ("eicar2.zip", _zipped("eicar.zip", once))
    )


def _framed(name: str, purpose: str) -> str:
    """68 characters for GTUBE (spamassassin.apache.org/gtube); GTphish is framed alike."""
    head = "".join(("XJS", "*C4JDBQAD", "N1.NS", "BN3*2ID", "NEN*"))
    words = "-".join((name, "STANDARD", purpose, "TEST", "EMAIL"))
    return f"{head}{words}{'*C.3' + '4X'}"


def _eicar() -> bytes:
    """68 octets (eicar.org)."""
    head = "".join(("X5O!P%", "@AP[4", chr(92), "PZX5", "4(P^)", "7CC)7", "}"))
    words = "-".join(("$EICAR", "STANDARD", "ANTIVIRUS", "TEST", "FILE!$"))
    return f"{head}{words}{'H+' + 'H*'}".encode("ascii")


def _zipped(name: str, octets: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), octets)
    return file.getvalue()
