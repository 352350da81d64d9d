"""Programs that tests start: missing in CI is a failure, elsewhere a reason to skip."""

from __future__ import annotations

import os
import shutil

import pytest


def needed(name: str, *, path: str = "") -> str:
    """Its full path; ``path`` is where to look beside PATH."""
    found = shutil.which(name, path=os.pathsep.join(filter(None, (os.environ.get("PATH"), path))))
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing (packaging/system/tests.txt)")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found
