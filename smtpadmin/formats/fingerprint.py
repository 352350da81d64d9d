"""SHA-256 fingerprints of certificates and host keys: hex within, as each tool shows them outside."""

from __future__ import annotations

import base64
import binascii
import hashlib

from smtpadmin.model.errors import UsageError


def openssh_form(fingerprint: str) -> str:
    """``SHA256:…`` as ssh and ssh-keygen show a fingerprint that is given in hex."""
    return "SHA256:" + base64.b64encode(bytes.fromhex(fingerprint)).decode("ascii").rstrip("=")


def parse_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint in hex, typed as hex (with colons or not) or as ``SHA256:…``. Raises
    UsageError."""
    text = text.strip()
    try:
        if text.startswith("SHA256:"):
            raw = base64.b64decode(text[7:] + "=" * (-len(text[7:]) % 4), validate=True)
        else:
            raw = bytes.fromhex(text.replace(":", ""))
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != hashlib.sha256().digest_size:
        raise UsageError(
            f"{text!r} is not a SHA-256 fingerprint",
            where="trust",
            remedy="Give 64 hexadecimal digits, or SHA256: and what ssh-keygen -l shows.",
        )
    return raw.hex()
