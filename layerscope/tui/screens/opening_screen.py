"""What the browser shows until the image is read: the frame and the progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from layerscope.tui.key_line import KeyLine
from layerscope.tui.loading import Loading
from layerscope.tui.title import image_title

if TYPE_CHECKING:
    from textual.geometry import Size

    from layerscope.progress import Progress

NARROW = 100
LOW = 30


def fold(screen: Screen[None], size: Size) -> None:
    """Hide what doesn't fit: the left half in a narrow terminal, the details in a short one."""
    screen.set_class(size.width < NARROW, "-narrow")
    screen.set_class(size.height < LOW, "-short")


class OpeningScreen(Screen[None]):
    """Needs only the image's name. All you can do here is stop."""

    HELP = "The image is being read. `escape` stops.\n"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "Stop", id="browse.stop"),
        Binding("question_mark,f1", "app.help", "Help", show=False, id="browse.help"),
        Binding("q", "app.quit", "Quit", show=False, id="browse.quit"),
    ]

    def __init__(self, reference: str) -> None:
        super().__init__()
        self.reference = reference

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                with Vertical(classes="box", id="instructions-box") as box:
                    box.border_title = "Instructions"
                with Vertical(classes="box", id="details-box") as box:
                    box.border_title = "Details"
            with Vertical(classes="box", id="right"):
                yield Loading(self.reference, id="loading")
        yield KeyLine()

    def on_mount(self) -> None:
        self._fit(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        fold(self, size)
        title = image_title(self.reference, None, max(20, size.width - 2))
        self.query_one("#title", Static).update(title, layout=False)

    def show_progress(self, progress: Progress) -> None:
        if self.is_mounted:
            self.query_one(Loading).show(progress)

    def action_stop(self) -> None:
        self.app.exit(130)
