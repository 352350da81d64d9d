"""Where smtpadmin keeps its files. ``SMTPADMIN_HOME`` puts all of them under one folder."""

from __future__ import annotations

import os
from pathlib import Path

APPLICATION = "smtpadmin"


def config_dir() -> Path:
    """Preferences."""
    return _folder("config")


def data_dir() -> Path:
    """The built-in server's data."""
    return _folder("data")


def state_dir() -> Path:
    """Journal, kept copies, history."""
    return _folder("state")


def _folder(kind: str) -> Path:
    home = os.environ.get("SMTPADMIN_HOME")
    if home:
        return Path(home) / kind
    import platformdirs

    folders = {
        "config": platformdirs.user_config_path,
        "data": platformdirs.user_data_path,
        "state": platformdirs.user_state_path,
    }
    return folders[kind](APPLICATION, appauthor=False)
