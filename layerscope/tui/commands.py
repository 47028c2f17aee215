"""The command palette: what the current screen offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider


@runtime_checkable
class Commanding(Protocol):
    """A screen with its own commands."""

    def commands(self) -> Iterable[SystemCommand]: ...


class ScreenCommands(Provider):
    """Lists the commands of the screen that opened it."""

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
