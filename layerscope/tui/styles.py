"""Styles by name, which lists paint with, in the theme's colors.

They come from the theme rather than component classes, because Textual recomputes each component class for every list
and on every focus change.
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
    """The text style of a name, without a background."""
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
