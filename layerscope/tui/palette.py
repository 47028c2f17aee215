"""The command palette of a screen, which loads its provider when it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.command import Provider


def screen_commands() -> type[Provider]:
    """The palette's provider, loaded when the palette opens."""
    from layerscope.tui.commands import ScreenCommands

    return ScreenCommands
