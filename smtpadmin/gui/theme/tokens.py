"""The two palettes of the window as data. Contrast of text on its ground is at least 4.5.

No Qt here: a test computes the contrasts, and the report writer may use the same colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "bg": "#f4f5f7",
        "panel": "#ffffff",
        "side": "#eceef2",
        "alternate": "#f8f9fb",
        "line": "#dcdfe5",
        "text": "#1b2130",
        "muted": "#586172",
        "accent": "#2457d6",
        "on_accent": "#ffffff",
        "ok": "#11692f",
        "ok_ground": "#dcf3e3",
        "warn": "#8a5000",
        "warn_ground": "#fdefd2",
        "err": "#b42318",
        "err_ground": "#fde4e1",
        "hold": "#6941c6",
        "hold_ground": "#ede7fb",
        "info": "#2457d6",
        "info_ground": "#e3ecfd",
        "select": "#dbe6fd",
        "faint": "#8b93a3",
    }
)

DARK: Mapping[str, str] = MappingProxyType(
    {
        "bg": "#16181d",
        "panel": "#1c1f26",
        "side": "#121419",
        "alternate": "#20242c",
        "line": "#2e333d",
        "text": "#e6e8ec",
        "muted": "#a3abb9",
        "accent": "#7aa5ff",
        "on_accent": "#10131a",
        "ok": "#5fd38a",
        "ok_ground": "#173523",
        "warn": "#f2b84b",
        "warn_ground": "#3a2c10",
        "err": "#ff8a80",
        "err_ground": "#43201d",
        "hold": "#bda4ff",
        "hold_ground": "#2e2650",
        "info": "#7aa5ff",
        "info_ground": "#1d2a47",
        "select": "#24365c",
        "faint": "#6f7787",
    }
)

TONES = ("ok", "warn", "err", "hold", "info")
"""Meanings that have a text colour and a ground."""


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours ``#rrggbb`` (WCAG 2.2, 1 to 21)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
