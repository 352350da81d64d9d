"""One process at a time, and a sentence for the one that waits too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpadmin.model.errors import StorageError
from smtpadmin.settings.file_lock import file_lock


def test_a_second_holder_is_told_and_the_lock_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        file_lock(path),
        pytest.raises(StorageError, match="another smtpadmin is writing"),
        file_lock(path, 0.05),
    ):
        pass
    with file_lock(path, 0.05):
        assert path.exists()
