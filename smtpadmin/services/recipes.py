"""Recipes in files: one JSON object each, to keep, to share, to put under version control.

No secret is in them, by type. A file that came from somebody else must not make us send away what
lies on this machine: files beside the recipe may be read, others only when that was allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec

from smtpadmin.model.errors import NotPermittedError, StorageError, UsageError
from smtpadmin.model.recipe import FileRef, Recipe
from smtpadmin.settings import paths
from smtpadmin.settings.files import write_private

FORMAT = "smtpadmin recipe 1"
MOST_OCTETS = 4 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}")


def recipe_as_json(recipe: Recipe) -> bytes:
    """With indents, for people and for version control; what is as usual is left out."""
    values = _changed(asdict(recipe), asdict(Recipe()))
    return json.dumps({"format": FORMAT, **values}, ensure_ascii=False, indent=2).encode() + b"\n"


def recipe_from_json(octets: bytes) -> Recipe:
    """Raises UsageError. Fields of a later version are passed over."""
    if len(octets) > MOST_OCTETS:
        raise UsageError("the recipe is too long")
    try:
        values = msgspec.json.decode(octets)
        if not isinstance(values, dict) or values.pop("format", "") != FORMAT:
            raise UsageError("this is no recipe of smtpadmin", remedy=f"It begins with {FORMAT!r}.")
        return msgspec.convert(values, Recipe)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UsageError(f"the recipe cannot be read ({error})") from error


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Files beside the recipe are named relative to it. Raises StorageError."""
    folder = path.resolve().parent
    kept = _with_paths(recipe, lambda file: _relative(file, folder))
    try:
        write_private(path, recipe_as_json(kept))
    except OSError as error:
        raise StorageError(f"cannot be written ({error.strerror})", where=str(path)) from error


def load_recipe(path: Path, *, allow_files: bool = False) -> Recipe:
    """Raises StorageError, UsageError, and NotPermittedError when it reads files elsewhere."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise StorageError(f"cannot be read ({error.strerror})", where=str(path)) from error
    folder = path.resolve().parent
    recipe = recipe_from_json(octets)
    return _with_paths(recipe, lambda file: _absolute(file, folder, allow_files=allow_files))


def find_recipe(name: str) -> Path:
    """A path, or the name of a recipe that is kept in the settings."""
    path = Path(name)
    return path if path.suffix or path.exists() else recipe_path(name)


def recipe_path(name: str) -> Path:
    """Where a recipe of this name is kept. Raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a recipe")
    return paths.config_dir() / "recipes" / f"{name}.json"


def kept_recipes() -> Iterator[str]:
    """Their names, in order."""
    yield from sorted(path.stem for path in (paths.config_dir() / "recipes").glob("*.json"))


def files_of(recipe: Recipe) -> list[str]:
    """Every file that it reads."""
    letter, tls = recipe.letter, recipe.plan.tls
    found = [one.path for one in (*letter.attachments, *letter.pictures)]
    found += [letter.raw_file, letter.dkim.key_file if letter.dkim else ""]
    found += [tls.ca_file, tls.cert_file, tls.key_file]
    return [path for path in found if path and path != "-"]


def _with_paths(recipe: Recipe, change: Any) -> Recipe:
    letter, tls = recipe.letter, recipe.plan.tls

    def each(files: tuple[FileRef, ...]) -> tuple[FileRef, ...]:
        return tuple(replace(one, path=change(one.path)) for one in files)

    dkim = letter.dkim and replace(letter.dkim, key_file=change(letter.dkim.key_file))
    return Recipe(
        replace(
            letter,
            attachments=each(letter.attachments),
            pictures=each(letter.pictures),
            raw_file=change(letter.raw_file),
            dkim=dkim,
        ),
        replace(
            recipe.plan,
            tls=replace(
                tls,
                ca_file=change(tls.ca_file),
                cert_file=change(tls.cert_file),
                key_file=change(tls.key_file),
            ),
        ),
    )


def _relative(file: str, folder: Path) -> str:
    if file in ("", "-"):
        return file
    path = Path(file).resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _absolute(file: str, folder: Path, *, allow_files: bool) -> str:
    if file in ("", "-"):
        return file
    path = (folder / file).resolve()
    if not allow_files and not path.is_relative_to(folder):
        raise NotPermittedError(
            "the recipe reads a file that does not lie beside it",
            where=str(path),
            remedy="Allow it with --allow-files when you know where the recipe comes from.",
        )
    return str(path)


def _changed(values: Any, usual: Any) -> Any:
    """What differs from the defaults, level by level."""
    if not isinstance(values, dict) or not isinstance(usual, dict):
        return values
    return {
        name: _changed(value, usual.get(name))
        for name, value in values.items()
        if value != usual.get(name)
    }
