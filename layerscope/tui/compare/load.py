"""Reads two images and compares them, with progress, before showing their screen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen
from textual.worker import get_current_worker

import layerscope
from layerscope.analysis.comparison.side import Side
from layerscope.errors import Cancelled, LayerscopeError
from layerscope.progress import CancelledCallback, Progress, ProgressCallback
from layerscope.records import dataclass
from layerscope.report.saved.reference import report_path
from layerscope.report.saved.report import read_report
from layerscope.system.collector import collect_from_now_on, collector_paused
from layerscope.tui.compare.pair_session import CompareSession
from layerscope.tui.loading import Loading, failure, seldom
from layerscope.tui.screens.dialogs import Dialog

if TYPE_CHECKING:
    from layerscope.options import ReadOptions
    from layerscope.tui.model.session import Session


@dataclass(frozen=True, slots=True)
class Opened:
    """A comparison, and the images that stay open while it is on screen."""

    session: CompareSession
    images: ExitStack


ReadPair = Callable[[ProgressCallback, CancelledCallback], Opened]
OpenSides = Callable[[ProgressCallback, CancelledCallback, ExitStack], tuple[Side, Side]]


def pair_reader(open_sides: OpenSides, path: str | None = None) -> ReadPair:
    """How to read and compare two sides. If that fails, everything it opened is closed."""

    def read(progress: ProgressCallback, cancelled: CancelledCallback) -> Opened:
        stack = ExitStack()
        try:
            with collector_paused():
                a, b = open_sides(progress, cancelled, stack)
                comparison = layerscope.compare(
                    a, b, path=path, progress=progress, cancelled=cancelled
                )
                return Opened(CompareSession(comparison, cancelled), stack)
        except BaseException:
            stack.close()
            raise

    return read


def reader_against(a: Side, reference: str, options: ReadOptions) -> ReadPair:
    """How to read the image or saved report at `reference` and compare it with an open image.

    `options` are those of the open image. What chooses an image or describes it doesn't count for the other one.
    """
    options = replace(options, tag=None, dockerfile=None, base=None)

    def open_sides(
        progress: ProgressCallback, cancelled: CancelledCallback, stack: ExitStack
    ) -> tuple[Side, Side]:
        path = report_path(reference)
        if path is not None:
            return a, read_report(path, limits=options.limits)
        analysis = layerscope.read(reference, options, progress=progress, cancelled=cancelled)
        return a, Side.of(stack.enter_context(analysis))

    return pair_reader(open_sides)


class CompareLoadScreen(Dialog[None]):
    """Reads in a worker, over the current screen. Passes the result to `done`, or None if it was stopped."""

    DEFAULT_CSS = "CompareLoadScreen { background: transparent; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,ctrl+c", "stop", "Stop", id="load.stop")
    ]

    @dataclass
    class _Progressed(Message):
        progress: Progress

    @dataclass
    class _Done(Message):
        result: Opened | LayerscopeError

    def __init__(
        self,
        title: str,
        read: ReadPair,
        done: Callable[[Opened | LayerscopeError | None], None],
    ) -> None:
        super().__init__()
        self._how_far = Loading(title)
        self._read = read
        self._done = done

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Opening"
            yield self._how_far

    def on_mount(self) -> None:
        self.load()

    @work(thread=True, exclusive=True, group="load")
    def load(self) -> None:
        """Read and compare, and post the result as a message."""
        worker = get_current_worker()
        report = seldom(lambda progress: self.post_message(self._Progressed(progress)))
        try:
            opened = self._read(report, lambda: worker.is_cancelled)
        except Cancelled:
            return
        except Exception as error:  # noqa: BLE001 - shown to the user
            self.post_message(self._Done(failure(error)))
            return
        finally:
            collect_from_now_on()
        if worker.is_cancelled or not self.post_message(self._Done(opened)):
            opened.images.close()

    @on(_Progressed)
    def _progressed(self, event: _Progressed) -> None:
        self._how_far.show(event.progress)

    @on(_Done)
    def _finished(self, event: _Done) -> None:
        self._leave(event.result)

    def action_stop(self) -> None:
        self.workers.cancel_all()
        self._leave(None)

    def _leave(self, result: Opened | LayerscopeError | None) -> None:
        """Show it from the application, because a screen that is gone can't receive the answer."""
        self.dismiss()
        self.app.call_later(self._done, result)


def ask_other(screen: Screen[None], session: Session) -> None:
    """Ask for the image to compare the open one with."""
    from layerscope.tui.screens.dialogs import TextDialog

    def begin(reference: str | None) -> None:
        if reference is not None:
            compare_from(screen, Side.of(session.analysis), reference, session.options)

    screen.app.push_screen(
        TextDialog(
            "Compare this image with:",
            "",
            title="Compare",
            hint="an image as on the command line, or a saved JSON report · escape cancels",
        ),
        begin,
    )


def compare_from(screen: Screen[None], a: Side, reference: str, options: ReadOptions) -> None:
    """Compare the open image with another one, over the screen that shows it."""
    from layerscope.tui.compare.screen import CompareScreen
    from layerscope.tui.screens.dialogs import ErrorDialog

    app = screen.app

    def done(result: Opened | LayerscopeError | None) -> None:
        if isinstance(result, LayerscopeError):
            app.push_screen(
                ErrorDialog(result.message, result.hint, title="Can't compare the images")
            )
        elif result is not None:
            images = result.images
            app.push_screen(CompareScreen(result.session), lambda _: images.close())

    app.push_screen(CompareLoadScreen(reference, reader_against(a, reference, options), done))
