"""Styles by name: what lists paint with, in the colours of the theme.

They are read from the theme and not from component classes, of which Textual works out each one anew for every list and
whenever the focus moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.style import Style
from textual.style import Style as ThemeStyle

if TYPE_CHECKING:
    from textual.app import App

STYLES: Final = {
    "": "",
    "dim": "$foreground 55%",
    "heading": "$foreground 55%",
    "number": "$foreground 55%",
    "strong": "bold $accent",
    "tab": "bold reverse $accent",
    "bar": "$primary",
    "waste": "$text-warning",
    "folder": "$text-primary",
    "link": "$secondary",
    "match": "bold underline $accent",
    "added": "$text-success",
    "modified": "$text-warning",
    "removed": "$text-error",
    "fleeting": "italic $text-error",
    "rewritten": "italic $foreground 55%",
    "comment": "italic $foreground 55%",
    "keyword": "$primary",
    "string": "$text-success",
    "numeral": "$accent",
    "defined": "bold $secondary",
}


def style_of(app: App[object], name: str) -> Style:
    """What a style does to text, without a background."""
    variables = app.theme_variables
    ground = ThemeStyle.parse("on $background", variables)
    found = (ground + ThemeStyle.parse(STYLES[name], variables)).rich_style
    faint = app.current_theme.ansi and "55%" in STYLES[name]
    return Style(
        color=found.color if STYLES[name] else None,
        bold=found.bold,
        dim=faint or None,
        italic=found.italic,
        underline=found.underline,
        reverse=found.reverse,
    )
