"""The browser's own themes, in addition to Textual's."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="layerscope",
    primary="#7aa2c8",
    secondary="#8aa6a3",
    accent="#e0b06c",
    foreground="#d6d9dd",
    background="#15181c",
    surface="#1b1f24",
    panel="#252a31",
    success="#8fbf7f",
    warning="#e0b06c",
    error="#e07a6e",
    dark=True,
)
LIGHT: Final = Theme(
    name="layerscope-light",
    primary="#2f6497",
    secondary="#4c7471",
    accent="#8f5a00",
    foreground="#23272c",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e6e3dc",
    success="#37702b",
    warning="#8f5a00",
    error="#ab3326",
    dark=False,
)
