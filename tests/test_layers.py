"""The arrows of import never turn, nothing outside gui knows Qt, nothing nests a loop.

Three machine checks: the imports as written, what a fresh interpreter really loads, and calls that
ruff's banned API cannot see (methods, whose owner it does not know).
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import smtpadmin

PACKAGE = Path(smtpadmin.__file__).parent
BELOW = {
    "model": set(),
    "util": {"model"},
    "settings": {"model", "util"},
    "formats": {"model", "util"},
    "protocol": {"model", "util", "formats"},
    "transport": {"model", "util", "settings", "formats", "protocol"},
    "connectors": {"model", "util", "settings", "formats", "protocol", "transport"},
    "builtin": {"model", "util", "settings", "formats", "protocol"},
}
BELOW["tracking"] = BELOW["connectors"] | {"connectors"}
BELOW["services"] = BELOW["tracking"] | {"tracking"}
BELOW["gui"] = BELOW["services"] | {"services"}
BELOW["cli"] = BELOW["services"] | {"services", "builtin", "gui"}
"""Layer -> the layers it may import. ``cli`` starts the built-in server and the window."""

CLI_THAT_STARTS_THE_SERVER = {"serve.py", "serve_run.py"}
CLI_THAT_STARTS_THE_WINDOW = {"window.py", "demo.py", "tour.py"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(path: Path) -> str | None:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else None


def wrong_way_edges(path: Path, layer: str) -> set[str]:
    found = set()
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "smtpadmin" or len(parts) < 2 or parts[1] not in BELOW:
            continue
        if parts[1] != layer and parts[1] not in BELOW[layer]:
            found.add(f"{path.relative_to(PACKAGE)} imports {name}")
    return found


def test_every_folder_is_a_known_layer() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(BELOW)


@pytest.mark.parametrize("layer", sorted(BELOW))
def test_arrows_of_import_never_turn(layer: str) -> None:
    wrong: set[str] = set()
    for path in modules():
        if layer_of(path) == layer:
            wrong |= wrong_way_edges(path, layer)
    assert not wrong


def test_the_check_sees_a_wrong_arrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    bad = tmp_path / "model" / "x.py"
    bad.parent.mkdir()
    bad.write_text("from smtpadmin.services import session\n")
    assert wrong_way_edges(bad, "model")


def test_only_named_commands_start_the_server_or_the_window() -> None:
    for path in (PACKAGE / "cli").glob("*.py"):
        names = set(imports(path))
        if path.name not in CLI_THAT_STARTS_THE_SERVER:
            assert not any(name.startswith("smtpadmin.builtin") for name in names), path
        if path.name not in CLI_THAT_STARTS_THE_WINDOW:
            assert not any(name.startswith("smtpadmin.gui") for name in names), path


def test_qt_is_imported_in_gui_alone() -> None:
    for path in modules():
        if layer_of(path) != "gui":
            assert not {n for n in imports(path) if n.startswith(("PySide6", "qasync"))}, path


def test_qasync_is_imported_in_one_file() -> None:
    users = [p.name for p in modules() if any(n.startswith("qasync") for n in imports(p))]
    assert users == ["application.py"]


def test_a_fresh_interpreter_loads_no_qt_outside_gui() -> None:
    names = [
        ".".join(("smtpadmin", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in modules()
        if layer_of(path) != "gui" and path.name not in {"__init__.py", "__main__.py"}
    ]
    program = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "bad = sorted(m for m in sys.modules if m.split('.')[0] in {'PySide6', 'qasync'})\n"
        "sys.exit(f'loaded: {bad}' if bad else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


BANNED_METHODS = {
    "exec": "nested loop: open() and await (gui.dialogs.ask)",
    "exec_": "nested loop",
    "processEvents": "nested loop",
    "create_task": "a task without an owner",
    "ensure_future": "a task without an owner",
    "run_in_executor": "util.tasks.run_blocking has a time-out",
}
MAY_CREATE_TASKS = {"tasks.py"}


def banned_calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name not in BANNED_METHODS or (
                name == "create_task" and path.name in MAY_CREATE_TASKS
            ):
                continue
            yield f"{path.relative_to(PACKAGE)}:{node.lineno} {name}: {BANNED_METHODS[name]}"


def test_no_call_nests_a_loop_or_loses_a_task() -> None:
    found = [call for path in modules() for call in banned_calls(path)]
    assert not found


def test_the_check_sees_a_banned_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    bad = tmp_path / "x.py"
    bad.write_text("dialog.exec()\nloop.create_task(x())\n")
    assert len(list(banned_calls(bad))) == 2
