"""What both browsers share: themes, keys, signals, help."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import Monochrome, NoColor
from textual.widgets import Input

from layerscope.errors import ConfigError
from layerscope.system.signals import ENDING
from layerscope.tui import themes

if TYPE_CHECKING:
    from textual.widget import Widget

    from layerscope.errors import LayerscopeError
    from layerscope.tui.settings import Settings


class BaseApp(App[int]):
    """An application that returns its exit code."""

    TITLE = "layerscope"
    CSS_PATH = Path(__file__).with_name("layerscope.tcss")
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True, id="app.quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit-too"),
        Binding("ctrl+p", "command_palette", "Palette", show=True, id="app.palette"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, id="app.suspend"),
    ]

    def __init__(self, *, settings: Settings | None = None) -> None:
        super().__init__()
        self.failed: LayerscopeError | None = None
        """Why the image cannot be shown, for the terminal that the browser leaves."""
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        theme = None if settings is None else settings.theme
        if theme is not None and theme not in self.available_themes:
            raise ConfigError(
                f"there is no theme {theme!r}",
                hint=f"the themes are {', '.join(sorted(self.available_themes))}",
            )
        self.theme = theme or themes.DARK.name
        self._painted_with = self.get_css_variables()
        self.stylesheet.set_variables(self._painted_with)
        self.animation_level = "none"
        self.set_keymap({} if settings is None else dict(settings.keys))

    def watch_theme(self) -> None:
        """Without color, an ANSI theme uses none and other themes use shades of gray. Textual checks only at startup."""
        if self.no_color:
            plain = NoColor() if self.native_ansi_color else Monochrome()
            self._filters = [
                plain if isinstance(each, NoColor | Monochrome) else each for each in self._filters
            ]

    def refresh_css(self, animate: bool = True) -> None:
        """Reload the style sheets, unless they were loaded with the same colors, as at startup."""
        variables = self.get_css_variables()
        if variables != self._painted_with:
            self._painted_with = variables
            super().refresh_css(animate)

    def on_load(self) -> None:
        """Exit cleanly if the process has to end, to restore the terminal."""
        loop = asyncio.get_running_loop()
        for number in set(ENDING) - {signal.SIGINT}:
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.exit, 128 + number)

    def fail(self, error: LayerscopeError, title: str) -> None:
        """Show what went wrong, and exit with the error's code."""
        from layerscope.tui.screens.dialogs import ErrorDialog

        self.failed = error
        dialog = ErrorDialog(error.message, error.hint, title=title)
        self.push_screen(dialog, lambda _: self.exit(error.exit_code))

    async def _on_key(self, event: events.Key) -> None:
        """Pass a letter to an input that the previous key opened."""
        focused = self.focused
        if isinstance(focused, Input) and event.is_printable:
            event.prevent_default()
            focused.post_message(events.Key(event.key, event.character))

    async def action_quit(self) -> None:
        self.exit(0)

    def action_help(self) -> None:
        from layerscope.tui.screens.help_screen import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen, self.focused))

    def action_jump(self) -> None:
        """Put a letter on every pane."""
        from layerscope.tui.screens.pane_letters import HasPanes, PaneLetters

        screen = self.screen
        if not isinstance(screen, HasPanes):
            return

        def go(pane: Widget | None) -> None:
            if pane is not None:
                screen.go_to_pane(pane)

        panes = [pane for pane in screen.panes() if pane.region]
        if panes:
            self.push_screen(PaneLetters(panes), go)
