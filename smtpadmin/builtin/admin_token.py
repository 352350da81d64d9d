"""The admin API's bearer token: made on first start, in a file that only its owner reads."""

from __future__ import annotations

import secrets
from pathlib import Path

from smtpadmin.model.errors import StorageError
from smtpadmin.settings.files import write_private

LEAST = 20


def ensure_token(path: Path) -> str:
    """The token in ``path``; a new one when there is none. Raises StorageError."""
    try:
        token = path.read_text("ascii").strip() if path.exists() else ""
        if not token:
            token = secrets.token_urlsafe(32)
            write_private(path, f"{token}\n".encode())
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(
            "the token cannot be read or written",
            where=str(path),
            remedy="Make the folder writable, or delete the file to get a new token.",
            detail=str(error),
        ) from error
    if len(token) < LEAST:
        raise StorageError(
            f"the token has fewer than {LEAST} characters",
            where=str(path),
            remedy="Delete the file to get a new token.",
        )
    return token
