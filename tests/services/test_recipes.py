"""Recipes are kept and given away whole, and one from a stranger reads nothing that is ours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpadmin.model.errors import NotPermittedError, StorageError, UsageError
from smtpadmin.model.recipe import DkimKey, FileRef, Letter, Recipe
from smtpadmin.model.smtp_plan import LoginPlan, SendPlan, Stop, StopPoint, Target, TlsPlan, TlsUse
from smtpadmin.services.recipes import (
    FORMAT,
    files_of,
    find_recipe,
    kept_recipes,
    load_recipe,
    recipe_as_json,
    recipe_from_json,
    recipe_path,
    save_recipe,
)
from tests.formats.test_swaks_command import letters, plans

FULL = Recipe(
    Letter(
        "a@b",
        ("c@d",),
        attachments=(FileRef("x.png", "image/png"),),
        dkim=DkimKey("b", "s", "k.pem"),
    ),
    SendPlan(
        Target("mx", 25),
        tls=TlsPlan(TlsUse.STARTTLS),
        login=LoginPlan("u"),
        stop=Stop(StopPoint.RCPT),
    ),
)


@given(st.builds(Recipe, letters, plans))
def test_written_and_read_it_is_the_same(recipe: Recipe) -> None:
    assert recipe_from_json(recipe_as_json(recipe)) == recipe


def test_only_what_is_not_as_usual_is_written() -> None:
    assert json.loads(recipe_as_json(Recipe())) == {"format": FORMAT}
    assert json.loads(recipe_as_json(FULL))["plan"]["stop"] == {"at": "rcpt", "how": "quit"}


@pytest.mark.parametrize(
    "octets",
    [b"", b"[]", b"{}", b'{"format": "other"}', b"\xff", b"[" * 100_000,
     json.dumps({"format": FORMAT, "plan": {"stop": {"at": "never"}}}).encode(),
     json.dumps({"format": FORMAT, "letter": {"to": 5}}).encode(), b"x" * 5_000_000],
)  # fmt: skip
def test_what_is_no_recipe(octets: bytes) -> None:
    with pytest.raises(UsageError):
        recipe_from_json(octets)


@given(st.binary(max_size=100))
def test_any_octets(octets: bytes) -> None:
    try:
        recipe_from_json(octets)
    except UsageError:
        return


def test_files_beside_the_recipe_travel_with_it(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    here = tmp_path / "one" / "x.json"
    recipe = replace(
        FULL,
        letter=replace(
            FULL.letter, attachments=(FileRef(str(tmp_path / "one" / "x.png")),), dkim=None
        ),
    )
    save_recipe(recipe, here)
    assert json.loads(here.read_text())["letter"]["attachments"][0]["path"] == "x.png"
    (tmp_path / "one").rename(tmp_path / "two")
    found = load_recipe(tmp_path / "two" / "x.json")
    assert files_of(found) == [str(tmp_path / "two" / "x.png")]
    assert (tmp_path / "two" / "x.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret", "a/../../secret"])
def test_a_recipe_reads_nothing_elsewhere_unless_allowed(tmp_path: Path, path: str) -> None:
    file = tmp_path / "x.json"
    for letter in ({"raw_file": path}, {"attachments": [{"path": path}]}):
        file.write_text(json.dumps({"format": FORMAT, "letter": letter}))
        with pytest.raises(NotPermittedError, match="does not lie beside it"):
            load_recipe(file)
        assert files_of(load_recipe(file, allow_files=True))
    file.write_text(json.dumps({"format": FORMAT, "plan": {"tls": {"key_file": path}}}))
    with pytest.raises(NotPermittedError):
        load_recipe(file)


def test_a_link_out_of_the_folder_is_followed_before_it_is_judged(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "link").symlink_to(tmp_path / "secret")
    file = tmp_path / "shared" / "x.json"
    file.write_text(json.dumps({"format": FORMAT, "letter": {"raw_file": "link"}}))
    with pytest.raises(NotPermittedError):
        load_recipe(file)


def test_kept_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTPADMIN_HOME", str(tmp_path))
    save_recipe(Recipe(), recipe_path("every day"))
    assert list(kept_recipes()) == ["every day"]
    assert load_recipe(find_recipe("every day")) == Recipe()
    assert find_recipe("some.json") == Path("some.json")
    for name in ("", "../x", "a/b", "x" * 99):
        with pytest.raises(UsageError):
            recipe_path(name)
    with pytest.raises(StorageError):
        load_recipe(tmp_path / "none.json")
