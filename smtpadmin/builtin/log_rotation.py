"""Rotates the structured log: ``mail.log`` becomes ``mail.log.1``, is compressed to
``mail.log.1.gz`` in the background, and moves on to ``.2.gz`` and so on.

A crash at any point leaves whole files: a rotated one is there plain, compressed, or both, and the
compressed one then counts.
"""

from __future__ import annotations

import gzip
import logging
import shutil
import threading
from pathlib import Path

FINISH_S = 5.0
log = logging.getLogger(__name__)


class LogRotation:
    """Moves the files of one log; ``keep`` rotated ones stay."""

    def __init__(self, path: Path, keep: int) -> None:
        self._path = path
        self._keep = keep
        self._compressing: threading.Thread | None = None
        if _rotated(path, 1, "").exists():
            self._compress_newest()

    def rotate(self) -> None:
        """Move every file on by one. The log must be closed. Raises OSError when a file cannot be
        moved (on Windows: because somebody reads it)."""
        self.finish()
        for suffix in ("", ".gz"):
            _rotated(self._path, self._keep, suffix).unlink(missing_ok=True)
        for number in range(self._keep - 1, 0, -1):
            for suffix in ("", ".gz"):
                source = _rotated(self._path, number, suffix)
                if source.exists():
                    source.replace(_rotated(self._path, number + 1, suffix))
        self._path.replace(_rotated(self._path, 1, ""))
        self._compress_newest()

    def finish(self) -> None:
        """Wait a moment for the compression that runs."""
        if self._compressing is not None:
            self._compressing.join(FINISH_S)
            self._compressing = None

    def _compress_newest(self) -> None:
        plain = _rotated(self._path, 1, "")
        self._compressing = threading.Thread(
            target=_compress, args=(plain,), name=f"compress {plain.name}", daemon=True
        )
        self._compressing.start()


def log_files(path: Path) -> list[Path]:
    """The log and its rotated files that exist, the oldest first."""
    by_number: dict[int, Path] = {}
    for file in path.parent.glob(f"{path.name}.*"):
        number, _, suffix = file.name.removeprefix(f"{path.name}.").partition(".")
        if number.isdecimal() and suffix in ("", "gz"):
            older = by_number.setdefault(int(number), file)
            by_number[int(number)] = max(older, file, key=lambda f: f.suffix == ".gz")
    rotated = [by_number[number] for number in sorted(by_number, reverse=True)]
    return [*rotated, *([path] if path.exists() else [])]


def _rotated(path: Path, number: int, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{number}{suffix}")


def _compress(plain: Path) -> None:
    target = plain.with_name(f"{plain.name}.gz")
    partial = plain.with_name(f"{plain.name}.partial")
    try:
        with plain.open("rb") as source, gzip.open(partial, "wb", 6) as packed:
            shutil.copyfileobj(source, packed)
        partial.replace(target)
        plain.unlink()
    except OSError as error:
        log.warning("%s stays uncompressed: %s", plain, error)
