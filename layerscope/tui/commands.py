"""The command palette: what the screen offers now."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider

if TYPE_CHECKING:
    from layerscope.tui.screens.browse_screen import BrowseScreen


@runtime_checkable
class Commanding(Protocol):
    """A screen with commands of its own."""

    def commands(self) -> Iterable[SystemCommand]: ...


class ScreenCommands(Provider):
    """Lists the commands of the screen it was opened on."""

    def _commands(self) -> Iterable[SystemCommand]:
        return self.screen.commands() if isinstance(self.screen, Commanding) else ()

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(command.title, command.callback, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(
                    score, matcher.highlight(command.title), command.callback, help=command.help
                )


def browse_commands(screen: BrowseScreen) -> Iterable[SystemCommand]:
    """What can be done with an image; the more once it is read."""
    for name, key, title in screen.tabs:
        yield SystemCommand(f"Show {title.lower()}", key, partial(screen.action_tab, name))
    if screen.session is None:
        return
    yield SystemCommand(
        "View: changes of the layer", "ctrl+l", partial(screen.action_mode, "layer")
    )
    yield SystemCommand("View: whole tree", "ctrl+t", partial(screen.action_mode, "tree"))
    yield SystemCommand("View: changes up to here", "ctrl+a", screen.action_aggregate)
    yield SystemCommand("Range: begin here", "m", screen.action_mark_range)
    yield SystemCommand("Filter the files", "/", screen.filter_files)
    for kind in ("added", "modified", "removed", "wasted"):
        filter_ = f"kind:{kind}"
        yield SystemCommand(f"Only {kind} files", filter_, partial(screen.filter_files, filter_))
    yield SystemCommand("Compare with another image", "c", screen.action_compare)
    yield SystemCommand("Extract to a folder", "e", screen.action_take_out)
    yield SystemCommand("Save the report", "S", screen.action_save_report)
    yield SystemCommand("Copy the path", "y", screen.action_copy_path)
    yield SystemCommand("Copy as a command line", "Y", screen.action_copy_command)
    if screen.can_go_back:
        yield SystemCommand("Back", "to where the last jump began", screen.action_back)
