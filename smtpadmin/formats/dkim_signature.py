"""Signs a test message with a DKIM key at hand. RFC 6376, RFC 8463; dkimpy underneath."""

from __future__ import annotations

from smtpadmin.model.errors import UsageError

HEADERS = (
    b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"mime-version", b"content-type",
    b"content-transfer-encoding", b"reply-to", b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip
"""Signed where they are there; From once more, so that no second one can be added."""


def sign(raw: bytes, domain: str, selector: str, key: bytes) -> bytes:
    """The message with its DKIM-Signature before it; relaxed/relaxed. ``key`` is PEM: RSA, or Ed25519
    in 32 octets of Base64. Raises UsageError, which does not repeat the key."""
    import dkim

    algorithm = b"rsa-sha256" if b"-----BEGIN" in key else b"ed25519-sha256"
    try:
        signer = dkim.DKIM(raw)
        present = {name.lower() for name, _ in signer.headers}
        header: bytes = signer.sign(
            selector.encode("idna"),
            domain.encode("idna"),
            key.strip(),
            signature_algorithm=algorithm,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[*(name for name in HEADERS if name in present), b"from"],
        )
    except Exception as error:  # noqa: BLE001 - dkimpy and its parsers raise whatever they like
        raise UsageError(
            f"the message cannot be signed ({type(error).__name__})",
            where=f"{selector}._domainkey.{domain}"[:200],
            remedy="The key must be a private RSA key in PEM (PKCS#1 or PKCS#8).",
        ) from None
    return header.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + raw
