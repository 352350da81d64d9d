"""Presets: each changes one thing, they add up, and what they make can be composed and is true."""

from __future__ import annotations

import email
import zlib
from datetime import UTC, datetime
from email.policy import default
from pathlib import Path

import pytest

from smtpadmin.formats.header_presets import PRESETS as HEADER_PRESETS
from smtpadmin.formats.scanner_payloads import payload
from smtpadmin.model.errors import UsageError
from smtpadmin.model.recipe import FileRef, Letter, Recipe
from smtpadmin.services.compose import Turn, compose
from smtpadmin.services.letter_presets import (
    BIG,
    HEADER_TITLES,
    LETTER_PRESETS,
    LONG_LINE,
    apply_preset,
    extras,
    png,
    without_extras,
)

START = Recipe(Letter(sender="a@b.example", to=("c@d.example", "e@d.example")))
TURN = Turn(datetime(2026, 11, 25, tzinfo=UTC))


@pytest.mark.parametrize("name", [preset.name for preset in LETTER_PRESETS] + list(HEADER_TITLES))
def test_every_preset_can_be_sent(name: str, tmp_path: Path) -> None:
    recipe = apply_preset(START, name, tmp_path)
    envelope = compose(recipe.letter, TURN)
    assert envelope.raw
    assert envelope.recipients
    if name != "plain":
        assert recipe != START


def test_html_shows_its_picture(tmp_path: Path) -> None:
    raw = compose(apply_preset(START, "html", tmp_path).letter, TURN).raw
    message = email.message_from_bytes(raw, policy=default)
    pictures = [p for p in message.walk() if p.get_content_type() == "image/png"]
    assert [p["Content-ID"] for p in pictures] == ["<picture.png>"]
    assert pictures[0].get_content() == png(96)
    assert b"cid:picture.png" in raw


def test_the_picture_is_a_picture() -> None:
    data = png(7)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at = data.index(b"IDAT") + 4
    length = int.from_bytes(data[at - 8 : at - 4], "big")
    assert len(zlib.decompress(data[at : at + length])) == 7 * (1 + 7 * 3)


def test_scanner_tests_are_in_the_message(tmp_path: Path) -> None:
    raw = compose(apply_preset(START, "gtube", tmp_path).letter, TURN).raw
    assert payload("gtube").line.encode() in raw


def test_sizes_lines_and_addresses(tmp_path: Path) -> None:
    assert len(compose(apply_preset(START, "big", tmp_path).letter, TURN).raw) >= BIG
    long = compose(apply_preset(START, "long-line", tmp_path).letter, TURN).raw
    assert max(map(len, long.split(b"\r\n"))) == LONG_LINE
    utf8 = apply_preset(START, "utf8", tmp_path)
    assert utf8.plan.envelope.utf8
    assert utf8.letter.to == ("δοκιμή@d.example", "e@d.example")
    assert apply_preset(START, "null-sender", tmp_path).letter.sender == ""


def test_they_add_up_and_plain_takes_them_out(tmp_path: Path) -> None:
    recipe = START
    for name in ("html", "eicar-zip", "unsubscribe", "campaign", "eight-bit"):
        recipe = apply_preset(recipe, name, tmp_path)
    names = [name for name, _ in recipe.letter.headers]
    assert names[:3] == ["List-Unsubscribe", "List-Unsubscribe-Post", "X-Campaign"]
    assert extras(recipe.letter) == ["scanner test eicar-zip", "8-bit text"]
    assert apply_preset(recipe, "plain", tmp_path) == START


def test_what_has_no_field_is_told_and_taken_out() -> None:
    letter = Letter(
        cc=("x@y.example",), bcc=("z@y.example",), replaced=(("Date", ""),), size=1 << 20
    )
    assert extras(letter) == [
        "at least 1 MiB", "Cc x@y.example", "Bcc z@y.example", "Date replaced",
    ]  # fmt: skip
    assert extras(without_extras(letter)) == []


def test_what_is_no_preset(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        apply_preset(START, "nothing", tmp_path)
    assert set(HEADER_TITLES) == set(HEADER_PRESETS)


def test_the_picture_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"mine")
    recipe = apply_preset(START, "html", tmp_path)
    assert recipe.letter.pictures == (
        FileRef(str(tmp_path / "picture.png"), "image/png", "picture.png"),
    )
    assert (tmp_path / "picture.png").read_bytes() == b"mine"
