"""Text can be read on its ground, in both palettes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from smtpadmin.gui.theme.tokens import DARK, LIGHT, TONES, contrast

PALETTES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]


@pytest.mark.parametrize("tokens", PALETTES)
@pytest.mark.parametrize("ground", ["bg", "panel", "side", "alternate", "select"])
@pytest.mark.parametrize("text", ["text", "muted"])
def test_text_on_every_ground(tokens: Mapping[str, str], ground: str, text: str) -> None:
    assert contrast(tokens[text], tokens[ground]) >= 4.5


@pytest.mark.parametrize("tokens", PALETTES)
@pytest.mark.parametrize("tone", TONES)
def test_tones_on_their_ground_and_on_the_panel(tokens: Mapping[str, str], tone: str) -> None:
    assert contrast(tokens[tone], tokens[f"{tone}_ground"]) >= 4.5
    assert contrast(tokens[tone], tokens["panel"]) >= 4.5
    assert contrast(tokens["text"], tokens[f"{tone}_ground"]) >= 4.5


@pytest.mark.parametrize("tokens", PALETTES)
def test_the_primary_button(tokens: Mapping[str, str]) -> None:
    assert contrast(tokens["on_accent"], tokens["accent"]) >= 4.5


def test_both_palettes_have_the_same_tokens() -> None:
    assert set(LIGHT) == set(DARK)


def test_contrast_is_the_known_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#777777") == 1.0
