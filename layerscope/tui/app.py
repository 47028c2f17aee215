"""The Textual application: shows the screen at once, reads the image in a worker, keeps it open while it is browsed."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import Monochrome, NoColor
from textual.message import Message
from textual.widgets import Input
from textual.worker import get_current_worker

import layerscope
from layerscope.errors import Cancelled, ConfigError, LayerscopeError
from layerscope.progress import Progress
from layerscope.tui import themes
from layerscope.tui.loading import failure, read_for_good, seldom
from layerscope.tui.model.session import Session
from layerscope.tui.screens.browse_screen import BrowseScreen

if TYPE_CHECKING:
    from textual.widget import Widget

    from layerscope.image.image import Image
    from layerscope.tui.settings import Settings

Read = Callable[[Callable[[Progress], None], Callable[[], bool]], tuple["Image", Session]]
"""Reads an image: told how to report progress and how to hear that it should stop."""


def reader(
    reference: str,
    load: Mapping[str, Any],
    analyze: Mapping[str, Any],
    *,
    show_args: bool = False,
) -> Read:
    """How `layerscope.load` and `layerscope.analyze` read a reference, with options for each."""

    def read(
        progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> tuple[Image, Session]:
        image = layerscope.load(reference, progress=progress, cancelled=cancelled, **load)
        try:
            with read_for_good():
                found = layerscope.analyze(image, progress=progress, cancelled=cancelled, **analyze)
                return image, Session(found, show_args=show_args)
        except BaseException:
            image.close()
            raise

    return read


class LayerscopeApp(App[int]):
    """Browses one image; the exit code is what it returns."""

    TITLE = "layerscope"
    CSS_PATH = Path(__file__).with_name("layerscope.tcss")
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True, id="app.quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit-too"),
        Binding("ctrl+p", "command_palette", "Palette", show=True, id="app.palette"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, id="app.suspend"),
    ]

    class Progressed(Message):
        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

    class Loaded(Message):
        def __init__(self, image: Image, session: Session) -> None:
            super().__init__()
            self.image = image
            self.session = session

    class Failed(Message):
        def __init__(self, error: LayerscopeError) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self,
        reference: str,
        read: Read,
        *,
        settings: Settings | None = None,
    ) -> None:
        super().__init__()
        self.reference = reference
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
        self._read = read
        self._image: Image | None = None
        self._collecting = False
        self.browse = BrowseScreen(reference)

    def watch_theme(self) -> None:
        """Without colour, an ANSI theme has none at all, and another one shades of grey: Textual asks only at the start."""
        if self.no_color:
            plain = NoColor() if self.native_ansi_color else Monochrome()
            self._filters = [
                plain if isinstance(each, NoColor | Monochrome) else each for each in self._filters
            ]

    def refresh_css(self, animate: bool = True) -> None:
        """Read the style sheets anew, unless they were read with the same colours, as at the start."""
        variables = self.get_css_variables()
        if variables != self._painted_with:
            self._painted_with = variables
            super().refresh_css(animate)

    def on_mount(self) -> None:
        self._end_on_signals()
        self._collecting = gc.isenabled()
        gc.disable()
        self.push_screen(self.browse)
        self.load()

    def _end_on_signals(self) -> None:
        """Leave in order when the run is to end, so that the terminal is as it was."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.exit, 128 + number)

    @work(thread=True, exclusive=True, group="load", exit_on_error=False)
    def load(self) -> None:
        """Read the image; what comes of it is told by messages."""
        worker = get_current_worker()
        tell = seldom(lambda progress: self.post_message(self.Progressed(progress)))
        try:
            image, session = self._read(tell, lambda: worker.is_cancelled)
        except Cancelled:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, a person waits to hear of it
            self.post_message(self.Failed(failure(error)))
            return
        finally:
            if self._collecting:
                gc.enable()
        if worker.is_cancelled or not self.post_message(self.Loaded(image, session)):
            image.close()

    @on(Progressed)
    def _progressed(self, event: Progressed) -> None:
        self.browse.show_progress(event.progress)

    @on(Loaded)
    def _loaded(self, event: Loaded) -> None:
        self._image = event.image
        self.browse.open_session(event.session)

    @on(Failed)
    def _failed(self, event: Failed) -> None:
        from layerscope.tui.screens.dialogs import ErrorDialog

        error = event.error

        def leave(_: None) -> None:
            self.exit(error.exit_code)

        self.push_screen(
            ErrorDialog(error.message, error.hint, title="The image cannot be opened"), leave
        )

    def on_resize(self, event: events.Resize) -> None:
        if self.browse.is_mounted:
            self.browse.fit(event.size)

    def on_unmount(self) -> None:
        self.workers.cancel_all()
        if self._image is not None:
            self._image.close()
            self._image = None

    async def _on_key(self, event: events.Key) -> None:
        """A letter that was on its way to a list when the key before it opened an input belongs into that input."""
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
        """Letters on the panes."""
        from layerscope.tui.screens.jump_screen import Jumpable, JumpScreen

        screen = self.screen
        if not isinstance(screen, Jumpable):
            return

        def go(pane: Widget | None) -> None:
            if pane is not None:
                screen.go_to_pane(pane)

        panes = [pane for pane in screen.panes() if pane.region]
        if panes:
            self.push_screen(JumpScreen(panes), go)
