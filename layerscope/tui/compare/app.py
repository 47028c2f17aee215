"""The application of `layerscope compare A B --tui`."""

from __future__ import annotations

from typing import NoReturn

from textual import events

from layerscope.errors import LayerscopeError
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.compare.load import CompareLoadScreen, Opened, ReadPair
from layerscope.tui.compare.screen import CompareScreen
from layerscope.tui.screens.dialogs import ErrorDialog
from layerscope.tui.settings import Settings


class CompareApp(LayerscopeApp):
    """Opens at once, reads both images in a worker, and keeps them open while they are looked at."""

    def __init__(self, title: str, read: ReadPair, *, settings: Settings | None = None) -> None:
        super().__init__(title, _reads_no_image, settings=settings)
        self.compared = CompareScreen(alone=True)
        self._read_pair = read
        self._opened: Opened | None = None

    def on_mount(self, event: events.Mount) -> None:  # type: ignore[override]
        event.prevent_default()
        self._end_on_signals()
        self.push_screen(self.compared)
        self.push_screen(CompareLoadScreen(self.reference, self._read_pair, self._done))

    def _done(self, result: Opened | LayerscopeError | None) -> None:
        if result is None:
            self.exit(130)
        elif isinstance(result, LayerscopeError):
            code = result.exit_code

            def leave(_: None) -> None:
                self.exit(code)

            self.push_screen(
                ErrorDialog(result.message, result.hint, title="The images cannot be compared"),
                leave,
            )
        else:
            self._opened = result
            self.compared.open_session(result.session)

    def on_unmount(self) -> None:
        if self._opened is not None:
            self._opened.images.close()
            self._opened = None


def _reads_no_image(*_: object) -> NoReturn:
    raise AssertionError("the images are read by the screen that loads them")
