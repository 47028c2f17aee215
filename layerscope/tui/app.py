"""The browser for one image: shows a frame at once, reads the image in a worker, then opens its screen."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message
from textual.worker import get_current_worker

import layerscope
from layerscope.errors import Cancelled, LayerscopeError
from layerscope.options import DEFAULT_OPTIONS
from layerscope.progress import Progress
from layerscope.records import dataclass
from layerscope.system.collector import collect_from_now_on, collector_paused
from layerscope.tui.base_app import BaseApp
from layerscope.tui.loading import failure, seldom
from layerscope.tui.model.session import Session
from layerscope.tui.screens.browse_screen import BrowseScreen
from layerscope.tui.screens.opening_screen import OpeningScreen

if TYPE_CHECKING:
    from layerscope.image.image import Image
    from layerscope.options import ReadOptions
    from layerscope.tui.settings import Settings

Read = Callable[[Callable[[Progress], None], Callable[[], bool]], tuple["Image", Session]]
"""Reads an image; takes a callback for progress and one that says when to stop."""


def reader(reference: str, options: ReadOptions | None = None, *, show_args: bool = False) -> Read:
    """How a reference is read, and the session that shows it."""

    def read(
        progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> tuple[Image, Session]:
        with collector_paused():
            found = layerscope.read(reference, options, progress=progress, cancelled=cancelled)
            try:
                return found.image, Session(
                    found, show_args=show_args, options=options or DEFAULT_OPTIONS
                )
            except BaseException:
                found.close()
                raise

    return read


class LayerscopeApp(BaseApp):
    """Browses one image."""

    @dataclass
    class Progressed(Message):
        progress: Progress

    @dataclass
    class Loaded(Message):
        image: Image
        session: Session

    @dataclass
    class Failed(Message):
        error: LayerscopeError

    def __init__(
        self,
        reference: str,
        read: Read,
        *,
        settings: Settings | None = None,
        first: str = "files",
    ) -> None:
        """`first` names the pane that is shown first."""
        super().__init__(settings=settings)
        self._first = first
        self.reference = reference
        self._read = read
        self._image: Image | None = None
        self._opening = OpeningScreen(reference)

    def on_mount(self) -> None:
        gc.disable()
        self.push_screen(self._opening)
        self.load()

    @work(thread=True, exclusive=True, group="load", exit_on_error=False)
    def load(self) -> None:
        """Read the image and post messages about it."""
        worker = get_current_worker()
        report = seldom(lambda progress: self.post_message(self.Progressed(progress)))
        try:
            image, session = self._read(report, lambda: worker.is_cancelled)
        except Cancelled:
            return
        except Exception as error:  # noqa: BLE001 - shown to the user
            self.post_message(self.Failed(failure(error)))
            return
        finally:
            collect_from_now_on()
        if worker.is_cancelled or not self.post_message(self.Loaded(image, session)):
            image.close()

    @on(Progressed)
    def _progressed(self, event: Progressed) -> None:
        self._opening.show_progress(event.progress)

    @on(Loaded)
    def _loaded(self, event: Loaded) -> None:
        self._image = event.image
        self.switch_screen(BrowseScreen(event.session, self.reference, first=self._first))

    @on(Failed)
    def _failed(self, event: Failed) -> None:
        self.fail(event.error, "Can't open the image")

    def on_unmount(self) -> None:
        self.workers.cancel_all()
        if self._image is not None:
            self._image.close()
            self._image = None
