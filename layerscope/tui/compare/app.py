"""The application of `layerscope compare A B --tui`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.errors import LayerscopeError
from layerscope.tui.base_app import BaseApp
from layerscope.tui.compare.load import CompareLoadScreen, Opened, ReadPair
from layerscope.tui.compare.screen import CompareScreen

if TYPE_CHECKING:
    from layerscope.tui.settings import Settings


class CompareApp(BaseApp):
    """Opens at once, reads both images in a worker, and keeps them open while it shows them."""

    def __init__(self, title: str, read: ReadPair, *, settings: Settings | None = None) -> None:
        super().__init__(settings=settings)
        self.reference = title
        self._read_pair = read
        self._opened: Opened | None = None

    def on_mount(self) -> None:
        self.push_screen(CompareLoadScreen(self.reference, self._read_pair, self._done))

    def _done(self, result: Opened | LayerscopeError | None) -> None:
        if result is None:
            self.exit(130)
        elif isinstance(result, LayerscopeError):
            self.fail(result, "Can't compare the images")
        else:
            self._opened = result
            self.push_screen(CompareScreen(result.session, alone=True))

    def on_unmount(self) -> None:
        self.workers.cancel_all()
        if self._opened is not None:
            self._opened.images.close()
            self._opened = None
