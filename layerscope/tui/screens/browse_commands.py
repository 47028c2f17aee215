"""What the command palette offers in the browser of one image."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

if TYPE_CHECKING:
    from layerscope.tui.screens.browse_screen import BrowseScreen


def browse_commands(screen: BrowseScreen) -> Iterator[SystemCommand]:
    """The commands that the palette offers on this screen."""
    for name, key, title in screen.tabs:
        yield SystemCommand(f"Show {title.lower()}", key, partial(screen.action_tab, name))
    for title, key, command in (
        ("View: changes of the layer", "ctrl+l", partial(screen.action_mode, "layer")),
        ("View: whole tree", "ctrl+t", partial(screen.action_mode, "tree")),
        ("View: changes up to here", "ctrl+a", screen.action_aggregate),
        ("Range: start here", "m", screen.action_mark_range),
        ("Filter the files", "/", screen.filter_files),
        ("Compare with another image", "c", screen.action_compare),
        ("Extract to a folder", "e", screen.action_take_out),
        ("Save the report", "S", screen.action_save_report),
        ("Copy the path", "y", screen.action_copy_path),
        ("Copy as a command line", "Y", screen.action_copy_command),
    ):
        yield SystemCommand(title, key, command)
    for kind in ("added", "modified", "removed", "wasted"):
        text = f"kind:{kind}"
        yield SystemCommand(f"Only {kind} files", text, partial(screen.filter_files, text))
    if screen.trail:
        yield SystemCommand("Back", "to where the last jump started", screen.action_back)
